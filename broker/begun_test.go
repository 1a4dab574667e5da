package broker

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"
)

// begin has a connection send the length of a request, and the first bytes of it.
func (l *lone) begin(conn ConnID, length, here int) {
	l.Helper()
	l.now.Mono += time.Millisecond
	l.turn(ConnData{Conn: conn, Data: append(binary.BigEndian.AppendUint32(nil, uint32(length)), make([]byte, here)...)})
}

// Who begins a request and doesn't go on has others wait for ten seconds, no longer; who brings enough of it is left in peace, and so is who
// has nobody wait.
func TestUnfinishedRequestIsWaitedForNotForEver(t *testing.T) {
	l := startLone(t)
	wait := l.s.cfg.Limits.PartialWait
	l.turn(ConnOpened{Conn: 100}, ConnOpened{Conn: 101}, ConnOpened{Conn: 102})
	l.begin(100, 90<<20, 17<<20)
	l.pass(10 * wait) // nobody waits
	l.begin(101, 3<<20, 1<<20+1)
	l.begin(102, 3<<20, 1<<20+1)
	paused := func(want ...ConnID) {
		t.Helper()
		for _, id := range []ConnID{100, 101, 102} {
			is := false
			for _, w := range want {
				is = is || w == id
			}
			if l.paused[id] != is {
				t.Errorf("connection %d: paused is %t", id, l.paused[id])
			}
		}
	}
	paused(101, 102)
	for range 3 { // it gets on
		l.pass(wait - time.Second)
		l.turn(ConnData{Conn: 100, Data: make([]byte, 1<<20)})
	}
	paused(101, 102)
	if len(l.closed) > 0 {
		t.Fatalf("closed, though the first one got on: %v", l.closed)
	}
	l.pass(wait)
	l.turn(ConnData{Conn: 100, Data: make([]byte, 100)})
	l.pass(wait)
	if len(l.closed) != 1 || l.closed[0].Conn != 100 || !strings.Contains(l.closed[0].Reason, "while others wait") {
		t.Fatalf("closed: %v", l.closed)
	}
	l.turn(ConnClosed{Conn: 100})
	paused()
	l.pass(10 * wait)
	if len(l.closed) != 1 || l.s.begun.bytes != 2*(1<<20+1) {
		t.Errorf("closed: %v, and %d bytes are unfinished", l.closed, l.s.begun.bytes)
	}
}

// Requests that are not all here hold no more than twice PartialBytes, however many connections there are, and what is read of them once
// they hold that.
func TestUnfinishedRequestsAreBounded(t *testing.T) {
	l := startLone(t)
	const conns, piece = 400, 64 << 10
	most := l.s.cfg.Limits.PartialBytes
	for i := range conns {
		l.turn(ConnOpened{Conn: ConnID(1000 + i)})
	}
	for i := range conns {
		l.begin(ConnID(1000+i), 4<<20, 0)
	}
	for range 1 << 20 / piece {
		for i := range conns {
			if id := ConnID(1000 + i); !l.paused[id] {
				l.turn(ConnData{Conn: id, Data: make([]byte, piece)})
			}
		}
	}
	if got := l.s.begun.bytes; got <= most || got > 2*most+conns*piece/2 {
		t.Errorf("%d connections hold %d bytes of unfinished requests, %d may be", conns, got, 2*most)
	}
	if len(l.paused) < conns/2 {
		t.Errorf("%d of %d connections are paused", len(l.paused), conns)
	}
}
