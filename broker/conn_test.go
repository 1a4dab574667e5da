package broker

import (
	"strings"
	"testing"
	"time"

	"logd/transport"
)

// However much arrives at once, no more is started than may be under way; the rest is when that is answered, in order.
func TestRequestsWaitTheirTurn(t *testing.T) {
	l := startLone(t)
	p := l.create("t")
	l.s.cfg.Limits.ConnRequests = 4
	const asked = 30
	var data []byte
	for range asked {
		req := fetchRequest("t", 0) // which waits for records
		req.MinBytes, req.MaxWaitMillis = 1, 1000
		l.corr++
		data = append(data, transport.AppendRequest("lone", l.corr, req)...)
	}
	first := l.corr - asked + 1
	l.turn(ConnData{Conn: 1, Data: data[:len(data)-5]})
	l.turn(ConnData{Conn: 1, Data: data[len(data)-5:]}) // was on its way when the driver heard
	answered := 0
	for range 200 {
		if c := l.s.conns[1]; len(c.slots) > 4 {
			t.Fatalf("%d requests are under way, 4 may be", len(c.slots))
		} else if len(c.slots) == 4 != l.paused[1] && len(c.slots) != 3 {
			t.Fatalf("paused is %t with %d under way", l.paused[1], len(c.slots))
		}
		for {
			frame, ok, err := l.frames.Next()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			corr, _, err := transport.ParseResponse(frame, keyFetch, 11)
			if err != nil || corr != first+int32(answered) {
				t.Fatalf("response to %d, expected %d: %v", corr, first+int32(answered), err)
			}
			answered++
		}
		l.tick()
	}
	if answered != asked || l.paused[1] || len(p.watch) > 0 {
		t.Errorf("%d of %d answered, paused is %t, %d wait", answered, asked, l.paused[1], len(p.watch))
	}
}

// A client that is closed and comes again, in a loop, doesn't fill the log; one that hangs up isn't mentioned. What is left out is counted.
func TestClosedClientsDoNotFillTheLog(t *testing.T) {
	l := startLone(t)
	l.said("")
	for id := ConnID(100); id < 200; id++ { // garbage
		l.now.Mono += 20 * time.Millisecond
		l.turn(ConnOpened{Conn: id, Remote: "r"}, ConnData{Conn: id, Data: []byte("GET / HTTP/1.1\r\n\r\n")})
		l.turn(ConnClosed{Conn: id})
		l.turn(ConnOpened{Conn: id + 1000, Remote: "r"})
		l.turn(ConnClosed{Conn: id + 1000})
	}
	l.pass(closingEvery)
	l.turn(ConnOpened{Conn: 99}, ConnData{Conn: 99, Data: []byte("GET / HTTP/1.1\r\n\r\n")})
	lines := l.said("closing a client's connection")
	if len(l.closed) != 101 || len(lines) != closingLines+1 {
		t.Fatalf("%d were closed, and %d lines say so", len(l.closed), len(lines))
	}
	if !strings.Contains(lines[0], "bad frame") || !strings.HasSuffix(lines[0], "more=0") || !strings.HasSuffix(lines[closingLines], "more=90") {
		t.Errorf("the log says:\n%s", strings.Join(lines, "\n"))
	}
}
