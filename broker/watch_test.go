package broker

import (
	"testing"
	"time"
)

// A fetch that waited in vain leaves nothing behind, though nothing is ever appended to its partition again.
func TestWatchersAreForgotten(t *testing.T) {
	l := startLone(t)
	p := l.create("quiet")
	req := fetchRequest("quiet", 0)
	req.MaxWaitMillis, req.MinBytes = 500, 1
	l.send(req)
	if len(p.watch) != 1 {
		t.Fatalf("%d fetches wait, expected one", len(p.watch))
	}
	l.pass(400 * time.Millisecond)
	if _, answered := l.received(req); answered || len(p.watch) != 1 {
		t.Fatalf("after 400 of 500 ms: answered %t, %d fetches wait", answered, len(p.watch))
	}
	l.pass(200 * time.Millisecond)
	if _, answered := l.received(req); !answered || len(p.watch) != 0 {
		t.Fatalf("after 600 of 500 ms: answered %t, %d fetches wait", answered, len(p.watch))
	}
}
