package broker

import (
	"cmp"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A fetch session spares a client naming its partitions in each request, and the broker those of which nothing is new
// (KIP-227). It is a convenience that may be taken away at any time: the client then sends a full request again.
//
//	session 0, epoch -1   a full request, no session                    id n, epoch 0    n ends; a full request, a new session
//	session 0, epoch  0   a full request, and a session if there is room  id n, epoch -1   n ends; a full request, no session
//	id n, epoch e > 0     what changed; e is one more than the last: FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH
//
// Sessions are a shard's own. A client that comes back on a connection of another shard is told that its session is gone.
const (
	sessionFinal   = int32(-1)
	sessionInitial = int32(0)
)

// fetchSession is what a client reads.
type fetchSession struct {
	id      int32
	epoch   int32 // the next request has it
	byID    bool  // its topics are named by id
	rows    []*fetchRow
	find    map[fetchKey]*fetchRow
	created time.Duration
	used    time.Duration
}

// fetchKey names a partition of a session; one of topic and id is empty.
type fetchKey struct {
	topic string
	id    UUID
	part  int32
}

// fetchRow is one partition that a client reads, and what it was told of it last.
type fetchRow struct {
	fetchKey
	offset    int64
	epoch     int32
	lastEpoch int32
	max       int32

	hw, start int64 // -1: nothing
}

// want takes what a request says of a partition.
func (r *fetchRow) want(q *kmsg.FetchRequestTopicPartition) {
	r.offset, r.epoch, r.lastEpoch, r.max = q.FetchOffset, q.CurrentLeaderEpoch, q.LastFetchedEpoch, q.PartitionMaxBytes
}

// tell notes what the client is told, and says whether any of it is new (FetchSession.CachedPartition.maybeUpdateResponseData).
// After an error everything is.
func (r *fetchRow) tell(a fetched, size int) bool {
	news := size > 0 || a.urgent() || a.hw != r.hw || a.start != r.start
	r.hw, r.start = a.hw, a.start
	if a.code != errNone {
		r.hw = -1
	}
	return news
}

// fetchSessions are the sessions of a shard.
type fetchSessions struct {
	byID map[int32]*fetchSession
	rows int // of all of them
}

// open finds out what a request is: which session it is of, if any, and which partitions it reads.
func (c *fetchSessions) open(s *Shard, req *kmsg.FetchRequest) (*fetchPlan, int16) {
	if req.Version < 7 {
		return &fetchPlan{rows: requestRows(req)}, errNone
	}
	old := c.byID[req.SessionID]
	switch {
	case req.SessionEpoch == sessionFinal || req.SessionEpoch == sessionInitial:
		if old != nil {
			c.remove(old)
		}
		f := &fetchPlan{rows: requestRows(req)}
		if req.SessionEpoch == sessionInitial {
			f.session = c.create(s, f.rows, req.Version >= 13)
		}
		return f, errNone
	case old == nil:
		return nil, errNoSession
	case old.epoch != req.SessionEpoch:
		return nil, errBadSessionEpoch
	case old.byID != (req.Version >= 13): // the client was upgraded, or another one is of another version
		return nil, errSessionTopicID
	}
	c.rows -= len(old.rows)
	old.update(req)
	c.rows += len(old.rows)
	if c.rows > s.cfg.Limits.SessionRows {
		c.remove(old)
		return nil, errNoSession
	}
	old.used = s.now.Mono
	f := &fetchPlan{rows: slices.Clone(old.rows), session: old, partial: true}
	if len(old.rows) == 0 { // it has nothing to read any more: it ends, as in Kafka
		c.remove(old)
		f.session = nil
	}
	if old.epoch++; old.epoch < 0 {
		old.epoch = 1
	}
	return f, errNone
}

// requestRows are the partitions of a full request. One that is named twice is read once, as it was named last.
func requestRows(req *kmsg.FetchRequest) []*fetchRow {
	s := fetchSession{find: map[fetchKey]*fetchRow{}}
	s.update(req)
	return s.rows
}

// update takes what a request adds, changes and forgets.
func (f *fetchSession) update(req *kmsg.FetchRequest) {
	for i := range req.Topics {
		t := &req.Topics[i]
		for j := range t.Partitions {
			q := &t.Partitions[j]
			key := fetchKey{t.Topic, t.TopicID, q.Partition}
			row := f.find[key]
			if row == nil {
				row = &fetchRow{fetchKey: key, hw: -1, start: -1}
				f.find[key], f.rows = row, append(f.rows, row)
			}
			row.want(q)
		}
	}
	forgotten := false
	for _, t := range req.ForgottenTopics {
		for _, part := range t.Partitions {
			key := fetchKey{t.Topic, t.TopicID, part}
			forgotten = forgotten || f.find[key] != nil
			delete(f.find, key)
		}
	}
	if forgotten {
		f.rows = slices.DeleteFunc(f.rows, func(r *fetchRow) bool { return f.find[r.fetchKey] != r })
	}
}

// reorder puts what gave records behind what gave none, so that no partition starves the others.
func (f *fetchSession) reorder(gaveNot, gave []*fetchRow) {
	rows := slices.DeleteFunc(slices.Concat(gaveNot, gave), func(r *fetchRow) bool { return f.find[r.fetchKey] != r })
	if len(rows) == len(f.rows) { // else another request has added some meanwhile
		f.rows = rows
	}
}

// create makes a session if there is room, or if one may be put out of its place; else nil.
func (c *fetchSessions) create(s *Shard, rows []*fetchRow, byID bool) *fetchSession {
	l := s.cfg.Limits
	if len(c.byID) >= l.Sessions || c.rows+len(rows) > l.SessionRows {
		old := c.evictable(s.now.Mono, l.SessionKept, len(rows))
		if old == nil || c.rows-len(old.rows)+len(rows) > l.SessionRows {
			return nil
		}
		c.remove(old)
	}
	f := &fetchSession{epoch: 1, byID: byID, rows: slices.Clone(rows), find: map[fetchKey]*fetchRow{}, created: s.now.Mono, used: s.now.Mono}
	for f.id == 0 || c.byID[f.id] != nil {
		f.id = s.rng.Int32()
	}
	for _, r := range rows {
		f.find[r.fetchKey] = r
	}
	c.byID[f.id] = f
	c.rows += len(rows)
	return f
}

// evictable is the session that a new one may take the place of, as in Kafka: the one that was not used for longest, if
// that is long ago; else the smallest of those that exist for long, if the new one is larger.
func (c *fetchSessions) evictable(now, kept time.Duration, size int) *fetchSession {
	var stale, small *fetchSession
	for _, f := range c.byID { // order: the least of a total order is looked for
		if stale == nil || cmp.Or(cmp.Compare(f.used, stale.used), cmp.Compare(f.id, stale.id)) < 0 {
			stale = f
		}
		if now-f.created > kept && (small == nil || cmp.Or(cmp.Compare(len(f.rows), len(small.rows)), cmp.Compare(f.id, small.id)) < 0) {
			small = f
		}
	}
	switch {
	case stale != nil && now-stale.used > kept:
		return stale
	case small != nil && size > len(small.rows):
		return small
	}
	return nil
}

func (c *fetchSessions) remove(f *fetchSession) {
	delete(c.byID, f.id)
	c.rows -= len(f.rows)
}
