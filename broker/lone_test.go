package broker

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/log"
	"logd/log/osfs"
	"logd/transport"
)

// lone is a cluster of one broker with one shard, driven turn by turn on a clock of the test's own. Its disk is real.
type lone struct {
	testing.TB
	dir  string
	tree *osfs.FS
	s    *Shard
	disk *log.Runner
	now  Now
	logs []string

	frames *transport.Frames // from the broker, on the one connection
	closed []Close           // connections that the broker closed
	corr   int32
	boots  uint64
	held   []Event // completions of WAL writes that a test keeps back
	hold   bool
	reads  []log.Read // cold reads that a test keeps back
	slow   bool

	paused map[ConnID]bool // which the broker doesn't want read
}

var loneOptions = log.Options{WALFiles: 2, WALFileBytes: 1 << 20, GroupBytes: 64 << 10, SegmentBytes: 64 << 20, IndexBytes: 256}

// startLone starts it on an empty directory, with a cluster formed.
func startLone(t testing.TB) *lone {
	t.Helper()
	l := &lone{TB: t, dir: filepath.Join(t.TempDir(), "data"), now: Now{Mono: time.Second, Wall: 1_800_000_000_000}}
	l.mount()
	if err := log.FormatDir(l.tree, log.Dir{Broker: 1, Incarnation: 11, Shards: 1, Options: loneOptions}); err != nil {
		t.Fatal(err)
	}
	l.boot()
	t.Cleanup(func() { l.disk.Close() })
	return l
}

// mount opens its directory, and makes it if there is none.
func (l *lone) mount() {
	l.Helper()
	var err error
	if l.tree, err = osfs.New(l.dir, osfs.Options{UnsafeNoSync: true}); err != nil {
		l.Fatal(err)
	}
}

// boot starts the broker, again or for the first time, and waits until it leads.
func (l *lone) boot() {
	l.Helper()
	l.open(1)
	l.await("a leader of the metadata that knows what it understands", func() bool { return l.s.meta.Level == commandVersion && l.s.parts[metaGroup].g.Serving() })
}

// open starts the broker, and has a client connect in its first turn.
func (l *lone) open(brokers ...int32) {
	l.Helper()
	l.boots++
	dir, err := log.OpenDir(l.tree)
	if err != nil {
		l.Fatal(err)
	}
	sub := log.Sub(l.tree, log.ShardDir(0))
	store, rec, err := log.Open(sub, dir.Identity(0), loneOptions)
	if err != nil {
		l.Fatal(err)
	}
	limits := DefaultLimits()
	limits.UncommittedBytes, limits.FlushBytes, limits.RetentionTicks = 256<<10, 64<<10, 1
	limits.Groups.DeadBytes = 4 << 10
	l.s, err = New(Config{Broker: 1, Generation: 1, Incarnation: dir.Incarnation, Boot: l.boots, Shards: 1, Brokers: brokers, Host: "h", Port: 9092,
		Topics: testDefaults, Limits: limits}, store, rec, rand.New(rand.NewPCG(1, l.boots)))
	if err != nil {
		l.Fatal(err)
	}
	if l.disk != nil {
		l.disk.Close()
	}
	l.disk, l.frames, l.paused = log.NewRunner(sub), transport.NewFrames(transport.MaxFrame), map[ConnID]bool{}
	l.turn(ConnOpened{Conn: 1})
}

// turn takes a turn, and those that its disk work leads to.
func (l *lone) turn(events ...Event) {
	l.Helper()
	for first := true; first || len(events) > 0; first = false {
		var out Output
		l.s.Step(l.now, events, &out)
		if out.Halt != "" {
			l.Fatal(out.Halt)
		}
		events = nil
		if out.Note {
			events = append(events, Noted{})
		}
		for _, p := range out.Plans {
			if d := (PlanDone{l.disk.Run(p)}); l.hold && p.Lane == log.LaneWAL {
				l.held = append(l.held, d)
			} else {
				events = append(events, d)
			}
		}
		for _, rd := range out.Reads {
			if l.slow {
				l.reads = append(l.reads, rd)
			} else {
				events = append(events, ReadDone{l.disk.Read(rd)})
			}
		}
		l.closed = append(l.closed, out.Close...)
		l.pause(out)
		for _, send := range out.Send {
			for _, b := range send.Bufs {
				l.frames.Feed(b)
			}
		}
		for _, e := range out.Logs {
			text := e.Text
			for _, a := range e.Attrs {
				text += fmt.Sprintf(" %s=%v", a.Key, a.Value)
			}
			l.logs = append(l.logs, text)
		}
	}
}

// pause takes down what a turn says of reading, which is only what has changed.
func (l *lone) pause(out Output) {
	l.Helper()
	for _, id := range out.Pause {
		if l.paused[id] {
			l.Fatalf("connection %d is paused twice", id)
		}
		l.paused[id] = true
	}
	for _, id := range out.Resume {
		if !l.paused[id] {
			l.Fatalf("connection %d is resumed and was not paused", id)
		}
		delete(l.paused, id)
	}
}

// tick lets a tick's time pass.
func (l *lone) tick() {
	l.Helper()
	l.pass(l.s.cfg.Limits.Tick)
}

// pass lets time pass at once.
func (l *lone) pass(d time.Duration) {
	l.Helper()
	l.now.Mono += d
	l.now.Wall += d.Milliseconds()
	l.turn()
}

func (l *lone) await(what string, done func() bool) {
	l.Helper()
	for range 1000 {
		if done() {
			return
		}
		l.tick()
	}
	l.Fatalf("no %s after 1000 ticks; the log says:\n%s", what, strings.Join(l.logs, "\n"))
}

// said returns the lines of the log that have a text, and forgets all.
func (l *lone) said(text string) []string {
	var found []string
	for _, line := range l.logs {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	l.logs = nil
	return found
}

// send sends a request; receive takes the next response.
func (l *lone) send(req kmsg.Request) {
	l.Helper()
	l.corr++
	l.turn(ConnData{Conn: 1, Data: transport.AppendRequest("lone", l.corr, req)})
}

func (l *lone) received(req kmsg.Request) (kmsg.Response, bool) {
	l.Helper()
	frame, ok, err := l.frames.Next()
	if err != nil {
		l.Fatal(err)
	}
	if !ok {
		return nil, false
	}
	corr, resp, err := transport.ParseResponse(frame, req.Key(), req.GetVersion())
	if err != nil || corr < 1 || corr > l.corr {
		l.Fatalf("response to request %d, the last was %d: %v", corr, l.corr, err)
	}
	return resp, true
}

func ask[R kmsg.Response](l *lone, req kmsg.Request) R {
	l.Helper()
	_, max, _ := served(req.Key())
	if req.GetVersion() == 0 {
		req.SetVersion(max)
	}
	l.send(req)
	var resp kmsg.Response
	l.await("response", func() (ok bool) {
		resp, ok = l.received(req)
		return ok
	})
	return resp.(R)
}

// create makes a topic of one partition and waits for its leader.
func (l *lone) create(name string, configs ...string) *partition {
	l.Helper()
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis, req.Topics = 5000, []kmsg.CreateTopicsRequestTopic{wantTopic(name, 1, 1)}
	for i := 0; i < len(configs); i += 2 {
		req.Topics[0].Configs = append(req.Topics[0].Configs, kmsg.CreateTopicsRequestTopicConfig{Name: configs[i], Value: &configs[i+1]})
	}
	if r := ask[*kmsg.CreateTopicsResponse](l, req).Topics[0]; r.ErrorCode != errNone {
		l.Fatal(r.ErrorCode, *r.ErrorMessage)
	}
	group := l.s.meta.TopicByName(name).firstGroup()
	l.await("leader of "+name, func() bool { return l.s.parts[group] != nil && l.s.parts[group].g.Serving() })
	return l.s.parts[group]
}

// alter changes one setting.
func (l *lone) alter(topic string, op kmsg.IncrementalAlterConfigOp, name, value string) {
	l.Helper()
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	req.Resources = []kmsg.IncrementalAlterConfigsRequestResource{altered(topic, op, name, value)}
	if r := ask[*kmsg.IncrementalAlterConfigsResponse](l, req).Resources[0]; r.ErrorCode != errNone {
		l.Fatal(r.ErrorCode, *r.ErrorMessage)
	}
}

// produce appends one batch and returns what is said of it.
func (l *lone) produce(topic string, records ...testRecord) kmsg.ProduceResponseTopicPartition {
	l.Helper()
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.Acks, req.TimeoutMillis = 11, -1, 5000
	req.Topics = []kmsg.ProduceRequestTopic{{Topic: topic, Partitions: []kmsg.ProduceRequestTopicPartition{{Records: testBatch{records: records}.bytes(l.TB)}}}}
	p := ask[*kmsg.ProduceResponse](l, req).Topics[0].Partitions[0]
	if p.ErrorCode != errNone {
		l.Fatalf("produce: code %d", p.ErrorCode)
	}
	return p
}

// fetch reads from an offset.
func (l *lone) fetch(topic string, offset int64) kmsg.FetchResponseTopicPartition {
	l.Helper()
	return ask[*kmsg.FetchResponse](l, fetchRequest(topic, offset)).Topics[0].Partitions[0]
}

func fetchRequest(topic string, offset int64) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.Version, req.MaxBytes = 11, 1<<20
	part := kmsg.NewFetchRequestTopicPartition()
	part.FetchOffset, part.PartitionMaxBytes, part.CurrentLeaderEpoch = offset, 1<<20, -1
	req.Topics = []kmsg.FetchRequestTopic{{Topic: topic, Partitions: []kmsg.FetchRequestTopicPartition{part}}}
	return req
}

// list asks for the offset at a timestamp.
func (l *lone) list(topic string, timestamp int64) kmsg.ListOffsetsResponseTopicPartition {
	l.Helper()
	req := kmsg.NewPtrListOffsetsRequest()
	part := kmsg.NewListOffsetsRequestTopicPartition()
	part.Timestamp, part.CurrentLeaderEpoch = timestamp, -1
	req.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: topic, Partitions: []kmsg.ListOffsetsRequestTopicPartition{part}}}
	return ask[*kmsg.ListOffsetsResponse](l, req).Topics[0].Partitions[0]
}

// deleteRequest asks for the records before an offset to be deleted.
func deleteRequest(topic string, before int64) *kmsg.DeleteRecordsRequest {
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.Version, req.TimeoutMillis = 2, 1000
	req.Topics = []kmsg.DeleteRecordsRequestTopic{{Topic: topic, Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Offset: before}}}}
	return req
}

func (l *lone) delete(topic string, before int64) (low int64, code int16) {
	l.Helper()
	p := ask[*kmsg.DeleteRecordsResponse](l, deleteRequest(topic, before)).Topics[0].Partitions[0]
	return p.LowWatermark, p.ErrorCode
}
