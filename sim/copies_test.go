package sim

import (
	"fmt"
	"strings"
	"testing"
)

// blank takes all that a device holds of partitions' segments and of WALs.
func blank(t *testing.T, n *node) {
	n.disk.eachFile(func(name string, f *inode) {
		if strings.HasPrefix(name, "shard-") && (strings.HasSuffix(name, ".wal") || strings.HasSuffix(name, ".log")) && f.size > 0 {
			must(t, n.disk.Zero(name, 0, f.size))
		}
	})
}

// One of three disks may lose what it has without a word, since the majority is left; a second one may only if the budget knows; and what no disk
// has a good copy of is lost, whatever is known.
func TestCopiesAreCounted(t *testing.T) {
	w := stormy(t, 3)
	want := func(what, name string) {
		t.Helper()
		w.violation = nil
		if w.copies.look(); (w.violation == nil) != (name == "") || w.violation != nil && w.violation.Name != name {
			t.Errorf("%s: found %v, expected %q", what, w.violation, name)
		}
	}
	want("nothing is lost", "")
	acked := 0
	for _, all := range w.copies.acked {
		acked += len(all)
	}
	if seen := w.count[CountCopies]; acked < 100 || seen < int64(2*acked) || seen > int64(3*w.count[CountAcked]) {
		t.Fatalf("%d copies seen of %d batches that can be read", seen, acked)
	}
	blank(t, w.nodes[0])
	want("one disk of three", "")
	blank(t, w.nodes[1])
	want("two disks, of which nobody knows", TooFewCopies)
	w.nodes[0].lost = lossWiped
	want("two disks, one of which counts as lost", "")
	w.nodes[0].gaps = map[key]bool{}
	want("a disk of which it is known that it lost nothing", TooFewCopies)
	w.nodes[0].gaps = nil
	w.nodes[1].lost = lossWiped
	want("two disks, which both count as lost", "")
	blank(t, w.nodes[2])
	w.nodes[2].lost = lossWiped
	want("all disks", TooFewCopies)
}

// A copy counts if the device has it: what a power loss would take, what rots, and what can't be read doesn't.
func TestCopiesAreGood(t *testing.T) {
	w := stormy(t, 3)
	d, g := w.nodes[1].disk, w.groupOfPart(0)
	stores := d.segmentsOf(g.id)
	for i, c := range []struct {
		name string
		take func(s stored, f *inode)
	}{
		{"body", func(s stored, _ *inode) { must(t, d.Flip(s.file, s.at+int64(s.size)-2, 0)) }},
		{"base", func(s stored, _ *inode) { must(t, d.Flip(s.file, s.at+7, 0)) }},
		{"unreadable", func(s stored, _ *inode) { must(t, d.Bad(s.file, s.at+int64(s.size)/2)) }},
		{"unsynced", func(s stored, f *inode) {
			b := make([]byte, s.size)
			f.copyTo(b, s.at)
			must(t, d.Zero(s.file, s.at, int64(s.size)))
			f.write(d, b, s.at)
		}},
		{"nameless", func(s stored, _ *inode) {
			dir, base := split(s.file)
			at, err := d.dir("test", dir)
			must(t, err)
			delete(at.stable, base)
		}},
	} {
		s := stores[5*i]
		f, err := d.file("test", s.file)
		must(t, err)
		b := make([]byte, s.size)
		f.copyTo(b, s.at)
		has := func() bool {
			return among([]batchAt{{s.base, s.next, crcOf(b)}}, (&shelf{d: d.onDevice()}).of(w, g.id))[0]
		}
		if !has() {
			t.Fatalf("%s: offsets %d to %d aren't found", c.name, s.base, s.next-1)
		}
		if c.take(s, f); has() {
			t.Errorf("%s: offsets %d to %d count as a good copy", c.name, s.base, s.next-1)
		}
	}
}

// An entry of a WAL takes the place of what stood from its index on; a copy of one takes nobody's.
func TestTailsTakenBack(t *testing.T) {
	l := walLog{entries: map[uint64]batchAt{}}
	for _, c := range []struct {
		kind  uint8
		index uint64
		left  string
	}{
		{walEntry, 1, "1"}, {walEntry, 2, "12"}, {walEntry, 3, "123"}, {walEntry, 2, "12"}, {walCopy, 1, "12"}, {walEntry, 3, "123"}, {walEntry, 1, "1"},
	} {
		l.takes(c.kind, c.index)
		l.entries[c.index] = batchAt{base: int64(c.index)}
		left := ""
		for i := range uint64(4) {
			if _, ok := l.entries[i]; ok {
				left += fmt.Sprint(i)
			}
		}
		if left != c.left {
			t.Errorf("after entry %d (kind %d): entries %s are left, expected %s", c.index, c.kind, left, c.left)
		}
	}
}

// A partition whose last good copies are on a disk that nobody reads is stalled with right, and the printout of who waits for whom says so.
func TestLastGoodCopyIsNamed(t *testing.T) {
	w := stormy(t, 3)
	g := w.groupOfPart(0)
	if text := w.waitsFor(g); strings.Contains(text, "good copies") {
		t.Fatalf("all run, and copies are out of reach: %s", text)
	}
	blank(t, w.nodes[0])
	blank(t, w.nodes[2])
	w.nodes[1].kill(false)
	want := fmt.Sprintf("\n      good copies: offsets %d..%d on 2, and of no broker that runs", g.start, w.views.known[0]-1)
	if text := w.waitsFor(g); !strings.Contains(text, want) {
		t.Errorf("%s\nexpected%s", text, want)
	}
}
