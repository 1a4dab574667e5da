package sim

import (
	"fmt"
	"strings"
	"time"

	"logd/broker"
)

// groupSeen is one raft group.
type groupSeen struct {
	id       uint64
	name     string
	part     int // -1 for the metadata group
	terms    map[uint64]leading
	hashes   map[uint64]hashAt // by high watermark
	replicas []replicaSeen     // by node
	places   []bool            // by node: some replica counted one of its as a voter, once
	commit   uint64            // highest seen
	end      int64             // highest high watermark seen
	start    int64             // highest log start seen
	leader   int               // node of the newest leader, -1 before the first
	term     uint64            // its term
	since    time.Duration     // when it was elected
	lostAt   time.Duration     // when the newest leader ended or stepped down
	wasLed   int               // node of the leader before
	former   map[uint64]uint64 // replicas whose disks were emptied: the highest index that each had stable
	tails    map[entryID]logHash
	tailsIn  []entryID      // its keys, as they came
	bases    map[int64]bool // where any broker has begun a segment

	life    *life           // of a fleeting topic that it is of
	goneAt  time.Duration   // when the first replica of it went, since its topic was deleted; 0: none has
	dropped []time.Duration // by node: when its replica did; 0: it didn't
	held    []time.Duration // by node: when it was seen to have a replica last, that it has no more
}

// leading is a leader incarnation: which replica, in which process.
type leading struct {
	node    int
	boot    uint64
	replica uint64
}

type hashAt struct {
	hash      uint64
	producers uint64
	node      int
}

type replicaSeen struct {
	live                  bool
	id, term, lead        uint64
	commit, stable        uint64
	logEnd, highWatermark int64
	leader                bool
	voters                []uint64
	quorums               [][]uint64 // sets of voters of which each needs a majority
	logStart              int64
	condition             condition
	lastEntry             entryID
	most                  uint64 // highest index that its log ever ended with
	spoke                 uint64 // highest term that it led or voted in
	voted                 promise
	transferring          bool
	cutOff                bool // its process ended in the midst of a transfer
	installed             uint64
	shipped               time.Duration    // when it was last seen to catch up by a transfer
	healed, mended        uint64           // in the process that lives, or died last
	owed                  uint64           // it knew of this index when it came back, and had holes before it
	last                  broker.GroupView // if live: what was seen of it
}

// offered notes that replicas are, or were until now, offered a snapshot.
func (g *groupSeen) offered(ids []uint64, now time.Duration) {
	for _, id := range ids {
		if r := &g.replicas[id>>32-1]; r.id == id {
			r.shipped = now
		}
	}
}

func (g *groupSeen) wiped(n *node) {
	r := &g.replicas[n.index]
	if n.lost == lossWiped && r.id != 0 {
		if g.former == nil {
			g.former = map[uint64]uint64{}
		}
		g.former[r.id] = max(g.former[r.id], r.stable)
	} else {
		delete(g.former, r.id) // an old copy: it may have held anything
	}
	*r = replicaSeen{id: r.id, most: r.most} // an acknowledgement of its may still be under way
}

func (g *groupSeen) String() string {
	var b strings.Builder
	for i := range g.replicas {
		r := &g.replicas[i]
		state := "down"
		if r.live {
			state = "follows " + fmt.Sprint(r.lead>>32)
			if r.leader {
				state = "leads"
			}
		}
		fmt.Fprintf(&b, "\n    broker %d: %s, replica %x, term %d, commit %d, stable %d, high watermark %d, log end %d, voters %x",
			i+1, state, r.id, r.term, r.commit, r.stable, r.highWatermark, r.logEnd, r.voters)
	}
	return b.String()
}
