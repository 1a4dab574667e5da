package sim

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// seat is what a client knows of its place in a group. It is the client's, not the role's, so that a story that is told what
// clients asked finds it too.
type seat struct {
	group    string
	instance *string
	static   bool // it joined by a request that says its instance: else it is none of the coordinator's static members
	node     int  // the coordinator, -1 if it isn't known
	was      int  // the last one
	took     bool // it has asked for something of a member: it is its client's place, and not only the one that it could have
	id       string
	gen      int32
	joins    int           // JoinGroups that it sent in its name since one was answered
	begun    time.Duration // a session of it began no earlier: it sent the JoinGroup that began it
	heard    time.Duration // when it was told of gen, in a group of the classic protocol
	roll     []string      // all members, if it leads
	stage    seatStage
	modern   bool          // it speaks the new protocol: consumer_member.go
	mixed    bool          // its group may change protocols: consumer_switch.go
	incarn   int           // ids that it has made
	news     bool          // its next heartbeat says everything
	due      []int         // in a group of the new protocol, what it is to have; parts, until it has given up the rest
	parts    []int         // its own
	at       map[int]int64 // by partition: it has processed all up to here
	given    map[int]int64 // by partition: it was given all up to here (client_consume.go)
	slept    bool          // before what it asked last
	lost     int           // partition whose offset is below the log start, -1: none
	old      ghost
}

// ghost is what a member was before it crashed, or before a rebalance: a process that isn't quite dead, or a thread that is late, may
// still say something in its name.
type ghost struct {
	id    string
	gen   int32
	heard time.Duration
	at    int64
	part  int
	epoch bool // it is of the new protocol
	gave  bool // it has given that partition up, and is a member still: it is out once the member has heard of a newer epoch
}

type seatStage uint8

const (
	seatOut seatStage = iota
	seatJoined
	seatWorking
)

// seatOf is a client's place in its group: the first three share one, and so on; every other one is a static member.
func seatOf(number int, o *LoadOptions) seat {
	n, modern := number%max(1, o.Members), o.Modern
	s := seat{group: fmt.Sprintf("group-%d", n/groupSize), node: -1, at: map[int]int64{}, given: map[int]int64{}, lost: -1}
	s.modern, s.mixed = modern > 0 && n/groupSize%modern == 0, o.Switching > 0
	if n%2 == 1 {
		s.instance = kmsg.StringPtr(fmt.Sprintf("instance-%d", n))
	}
	return s
}

// instanceAt is the member's instance, in versions that know of it.
func (g *seat) instanceAt(version, since int16) *string {
	if version < since {
		return nil
	}
	return g.instance
}

// haunt leaves a ghost of what a member is now.
func (g *seat) haunt() {
	if g.id != "" && len(g.parts) > 0 {
		g.leaveGhost(g.parts[0])
	}
}

// away gives up what a member had.
func (g *seat) away(id string) {
	g.stage, g.id, g.parts, g.due, g.at, g.given, g.lost, g.roll = seatOut, id, nil, nil, map[int]int64{}, map[int]int64{}, -1, nil
}
