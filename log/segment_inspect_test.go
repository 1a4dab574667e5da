package log

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// inspectable is a store's segments of group 1: 40 batches in files of about 4 KiB, and its mark.
func inspectable(tb rapid.TB) (*rig, Mark, [][]byte) {
	r := newRig(tb, testOpt)
	r.s.Create(1, nil, Mark{})
	var batches [][]byte
	var es []Entry
	hash := uint64(0)
	for i := range 40 {
		b := testBatch(int64(i), 1, 1, 300+i, int64(1000+i))
		hash = HashBatch(hash, b)
		batches, es = append(batches, b), append(es, Entry{Index: uint64(i + 1), Term: 1, Data: b})
	}
	r.s.Append(1, es)
	r.idle(tb)
	h, _ := r.s.EntryHash(1, 40)
	m := Mark{Index: 40, Term: 1, LogEnd: 40, EntryHash: h, BatchHash: hash}
	r.s.Flush(1, batches, m)
	r.idle(tb)
	return r, m, batches
}

// Whatever is flipped, cut off or zeroed, a deep inspection gives every batch that is untouched, and none that isn't one that was
// written; what it doesn't give, it names.
func TestInspectSegmentsNamesWhatIsLost(t *testing.T) {
	r, m, batches := inspectable(t)
	names, _ := r.fs.List(segDir(1))
	whole := map[string][]byte{}
	for _, name := range names {
		whole[name] = r.fs.nodes[segDir(1)+"/"+name].now
	}
	rapid.Check(t, func(t *rapid.T) {
		for _, name := range names {
			r.fs.nodes[segDir(1)+"/"+name].now = bytes.Clone(whole[name])
		}
		touched := map[string]map[int]bool{} // bytes of each file
		for range rapid.IntRange(0, 3).Draw(t, "damages") {
			name := segDir(1) + "/" + rapid.SampledFrom(names).Draw(t, "file")
			b := r.fs.nodes[name].now
			if len(b) == 0 {
				continue
			}
			if touched[name] == nil {
				touched[name] = map[int]bool{}
			}
			at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
			end := min(len(b), at+rapid.IntRange(1, 600).Draw(t, "length"))
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				b[at], end = b[at]^1, at+1
			case 1:
				clear(b[at:end])
			case 2:
				end = len(b)
				r.fs.nodes[name].now = b[:at]
			}
			for i := at; i < end; i++ {
				touched[name][i] = true
			}
		}
		given := map[int64]bool{}
		rep, err := InspectSegments(r.fs, 1, m, true, func(b Batch, data []byte) {
			if is := batches[b.BaseOffset]; !bytes.Equal(is[:12], data[:12]) || !bytes.Equal(is[16:], data[16:]) { // no CRC covers the epoch
				t.Fatalf("offset %d: given %x, written was %x", b.BaseOffset, data, batches[b.BaseOffset])
			}
			given[b.BaseOffset] = true
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range batches {
			missing := false
			for _, g := range rep.Missing {
				missing = missing || g.From <= int64(i) && int64(i) < g.To
			}
			if given[int64(i)] == missing {
				t.Fatalf("offset %d is given %t, named as missing %t: %+v", i, given[int64(i)], missing, rep)
			}
		}
		if len(touched) == 0 && len(rep.Missing) > 0 {
			t.Fatalf("nothing was done, and %v is missing", rep.Missing)
		}
	})
}

// What is damaged costs its own interval only, if there is a good index.
func TestInspectSegmentsGoesOn(t *testing.T) {
	r, m, batches := inspectable(t)
	name := segDir(1) + "/" + segmentName(0) + logSuffix
	at := len(batches[0]) + len(batches[1]) + 8
	r.fs.nodes[name].now[at] ^= 0x40 // the length of the third
	rep, err := InspectSegments(r.fs, 1, m, true, nil)
	if err != nil || len(rep.Missing) != 1 || rep.Missing[0].From != 2 || rep.Missing[0].To > 4 {
		t.Errorf("%+v, %v", rep, err)
	}
	if d := rep.Segments[0].Damage; len(d) != 1 || d[0].Byte != int64(at-8) || d[0].File != name {
		t.Errorf("%v", d)
	}
}

// Bytes behind the mark which are no batch are a write that was cut short; below it they are damage.
func TestInspectSegmentsTail(t *testing.T) {
	r, m, batches := inspectable(t)
	infos := r.s.SegmentInfo(1)
	name := segDir(1) + "/" + segmentName(infos[len(infos)-1].Base) + logSuffix
	n := r.fs.nodes[name]
	n.now = append(n.now, batches[0][:100]...)
	rep, err := InspectSegments(r.fs, 1, m, false, nil)
	last := rep.Segments[len(rep.Segments)-1]
	if err != nil || last.Tail != 100 || len(last.Damage) > 0 || len(rep.Missing) > 0 || last.End != 40 || last.Index != "none" {
		t.Errorf("%+v, %v", rep, err)
	}
	first := r.fs.nodes[segDir(1)+"/"+segmentName(0)+logSuffix]
	first.now = append(first.now, batches[0][:200]...) // a segment that was the last, cut short within a batch and mended in the next
	for _, deep := range []bool{false, true} {
		rep, err = InspectSegments(r.fs, 1, m, deep, nil)
		if s := rep.Segments[0]; err != nil || s.Tail != 200 || len(s.Damage) > 0 || s.Index != "good" {
			t.Errorf("deep %t: %+v, %v", deep, s, err)
		}
	}
	m.LogEnd = 41
	rep, _ = InspectSegments(r.fs, 1, m, false, nil)
	last = rep.Segments[len(rep.Segments)-1]
	if len(last.Damage) != 1 || fmt.Sprint(rep.Missing) != "[{40 41}]" {
		t.Errorf("%+v", rep)
	}
}

// No checksum covers a batch's leader epoch: the running hashes of index and mark do.
func TestInspectSegmentsEpoch(t *testing.T) {
	for _, which := range []int{0, 1, -1} {
		r, m, batches := inspectable(t)
		infos := r.s.SegmentInfo(1)
		info := infos[(which+len(infos))%len(infos)]
		r.fs.nodes[segDir(1)+"/"+segmentName(info.Base)+logSuffix].now[len(batches[info.Base])+15] ^= 1
		rep, err := InspectSegments(r.fs, 1, m, true, nil)
		if err != nil {
			t.Fatal(err)
		}
		var ds []SegmentDamage
		for _, s := range rep.Segments {
			ds = append(ds, s.Damage...)
		}
		if lost := info.Base + 1; len(ds) != 1 || ds[0].Offset.From > lost || ds[0].Offset.To <= lost || !strings.Contains(ds[0].Found, "running hash") {
			t.Errorf("segment %d: %v", info.Base, ds)
		}
	}
}
