package broker

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/log"
)

// failReads answers the reads that are kept back with an error.
func (l *lone) failReads(err error) {
	l.Helper()
	reads := l.reads
	l.reads = nil
	for _, rd := range reads {
		l.turn(ReadDone{log.ReadDone{ID: rd.ID, Brief: rd.Brief, Err: fmt.Errorf("open %s: %w", rd.File, err)}})
	}
}

// A read that fails for want of descriptors says nothing of what is stored: no fetch, no peer's question and no scrub has the replica step
// aside for it, and what is asked for again is read (G10). One that fails because the device does is damage.
func TestTooManyOpenFilesIsNoDamage(t *testing.T) {
	l := startLone(t)
	l.coldTopic("c", 1, 10_000)
	p := l.s.parts[l.s.meta.TopicByName("c").Partitions[0].Group]
	tooMany := errors.New("too many open files")
	fails := func(what string) {
		t.Helper()
		l.await("a read of "+what, func() bool { return len(l.reads) > 0 })
		l.failReads(tooMany)
		l.tick()
		if holes := l.s.store.SegmentHoles(p.group); len(holes) > 0 || p.damaged {
			t.Fatalf("a read of %s failed for want of descriptors: holes %v, damaged %t", what, holes, p.damaged)
		}
	}
	l.slow = true
	req := fetchRequest("c", 0)
	l.send(req)
	fails("a fetch")
	if resp, ok := l.received(req); !ok || resp.(*kmsg.FetchResponse).Topics[0].Partitions[0].ErrorCode != errStorage {
		t.Errorf("a fetch that can't be read is answered %t: %+v", ok, resp)
	}
	l.s.out = &Output{}
	l.s.readSound(p, 0, 1, func([][]byte) { t.Error("a peer is given bytes that couldn't be read") })
	l.reads = l.s.out.Reads
	fails("a peer's question")

	said := len(l.said("can't be read for now"))
	l.s.scrubNow()
	for range scrubTries {
		fails("a scrub")
	}
	l.slow = false
	l.await("the end of the pass", func() bool { return !l.s.scrub.running })
	if said != 1 || l.s.scrub.unread != 1 || l.s.scrub.found > 0 {
		t.Errorf("%d lines of many reads; a pass left %d stretches unread and found %d damaged", said, l.s.scrub.unread, l.s.scrub.found)
	}
	l.slow = true
	l.s.scrubNow()
	fails("another scrub")
	l.slow = false
	l.answerReads() // which was asked for at the next tick
	l.await("its end", func() bool { return !l.s.scrub.running })
	if l.s.scrub.unread+l.s.scrub.found > 0 {
		t.Errorf("a stretch that was tried again: %d unread, %d damaged", l.s.scrub.unread, l.s.scrub.found)
	}
	if f := l.fetch("c", 0); f.ErrorCode != errNone || len(f.RecordBatches) == 0 {
		t.Errorf("with descriptors again: code %d, %d bytes; the log says:\n%s", f.ErrorCode, len(f.RecordBatches), strings.Join(l.logs, "\n"))
	}

	l.slow = true
	l.send(req)
	l.failReads(log.ErrDevice)
	l.tick()
	if !p.damaged {
		t.Error("a device that can't read is no damage")
	}
}
