package log

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// segModel drives segments on a disk that crashes and rots, beside a plain list of batches, which is what peers have. What is
// durable of a group besides its segments is the mark.
type segModel struct {
	disk    *memFS
	opt     Options
	p       *segments
	mark    Mark
	from    int64 // offsets below are found no more, for sure
	end     int64
	all     []modelBatch // with a gap where there was a reset
	hash    uint64       // running, at end
	ts      int64
	rotten  bool // something was damaged since all was whole
	said    error
	others  bool         // another's batches may have been written by a repair that nothing has proved yet
	gone    []modelBatch // behind the mark; a start didn't find them where something was damaged
	guessed bool         // no file said what was before the log's first batches: of these nothing can be proved
	lied    bool         // an index says what isn't so, with a good checksum
	count   map[string]int
}

type modelBatch struct {
	base, next int64
	ts         int64
	data       []byte
	hash       uint64 // running, behind it
}

func newSegModel(t *rapid.T, count map[string]int) *segModel {
	m := &segModel{
		disk: segFS(),
		opt: Options{
			SegmentBytes: rapid.Int64Range(1, 3000).Draw(t, "segment bytes"),
			IndexBytes:   rapid.IntRange(1, 1000).Draw(t, "index bytes"),
		},
		ts:    1000,
		count: count,
	}
	m.p = newSegments(testDir, m.opt)
	return m
}

// run runs a plan, or a part of it followed by a crash, and says whether it completed.
func (m *segModel) run(t *rapid.T, ops []Op) bool {
	stop := len(ops)
	if rapid.IntRange(0, 3).Draw(t, "crash?") == 0 {
		stop = rapid.IntRange(0, len(ops)).Draw(t, "crash before")
	}
	r := NewRunner(m.disk)
	for _, op := range ops[:stop] {
		if err := r.Do(op); err != nil {
			t.Fatalf("%s: %v", op, err)
		}
		for i := range op.Data { // the driver's bytes are nobody else's
			op.Data[i] = 0xee
		}
	}
	if stop < len(ops) {
		m.crash(t)
		return false
	}
	return true
}

// crash ends the process, with or without the power, and opens again; the fresh process may find the mark only.
func (m *segModel) crash(t *rapid.T) {
	if rapid.Bool().Draw(t, "power lost") {
		m.disk = m.disk.losePower(func() bool { return rapid.Bool().Draw(t, "kept") })
	}
	m.open(t)
}

func (m *segModel) open(t *rapid.T) {
	m.opt.SegmentBytes = rapid.Int64Range(1, 3000).Draw(t, "segment bytes from now on")
	p, err := openSegments(m.disk, testDir, m.opt, m.mark)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	m.p = p
	if p.end() < m.mark.LogEnd {
		t.Fatalf("the end is %d, the mark says %d", p.end(), m.mark.LogEnd)
	}
	m.from, m.end, m.hash = m.mark.LogStart, p.end(), p.synced
	m.settle()
	m.vouch()
	if n := len(m.all); m.end > m.mark.LogEnd && (n == 0 || m.all[n-1].next != m.end || m.all[n-1].hash != m.hash) {
		t.Fatalf("the end is %d with running hash %016x, no batch of ours ends there", m.end, m.hash)
	}
	if m.end == m.mark.LogEnd && m.hash != m.mark.BatchHash {
		t.Fatalf("running hash %016x, the mark says %016x", m.hash, m.mark.BatchHash)
	}
	guessed := slices.ContainsFunc(p.damage, func(line string) bool { return strings.Contains(line, "by their checksums alone") })
	unproved := m.others && slices.ContainsFunc(p.spans, func(sp *span) bool { return !sp.before.known })
	m.guessed = m.guessed || guessed && m.rotten || unproved
	if !m.rotten && !guessed && (len(p.spans) > 0 || len(p.damage) > 0) {
		t.Fatalf("holes %v where nothing was damaged: %q", p.holes(), p.damage)
	}
	if rapid.Bool().Draw(t, "power lost after opening") { // L6: what was accepted is stable
		m.disk = m.disk.losePower(func() bool { return rapid.Bool().Draw(t, "kept") })
	}
}

func (m *segModel) Append(t *rapid.T) {
	var batches [][]byte
	var made []modelBatch
	at, h := m.end, m.hash
	for range rapid.IntRange(0, 12).Draw(t, "batches") {
		m.ts += rapid.Int64Range(-50, 100).Draw(t, "time goes by")
		n := rapid.IntRange(1, 20).Draw(t, "offsets")
		data := testBatch(at, 1, n, rapid.IntRange(0, 1500).Draw(t, "payload"), m.ts)
		h = HashBatch(h, data)
		made = append(made, modelBatch{base: at, next: at + int64(n), ts: m.ts, data: slices.Clone(data), hash: h})
		batches = append(batches, data)
		at += int64(n)
	}
	was := m.p.save()
	ops := m.p.append(nil, batches)
	if rapid.IntRange(0, 5).Draw(t, "taken back?") == 0 { // as if it had never been planned
		m.p.restore(was)
		if m.p.next() != m.end || m.p.hash != m.hash {
			t.Fatalf("taken back to %d, expected %d", m.p.next(), m.end)
		}
		ops = m.p.append(nil, batches)
	}
	for _, b := range batches { // they were copied
		for i := range b {
			b[i] = 0xdd
		}
	}
	if m.p.end() != m.end {
		t.Fatalf("the end is %d before completion, expected %d", m.p.end(), m.end)
	}
	if _, ok := m.p.find(m.end, 1, true); ok {
		t.Fatalf("offset %d is found before completion", m.end)
	}
	before, beforeEnd := m.all, m.end
	m.all = append(slices.Clone(m.all), made...)
	m.end, m.hash = at, h
	if rapid.IntRange(0, 4).Draw(t, "suspected meanwhile") == 0 && beforeEnd > m.from {
		m.suspectAt(rapid.Int64Range(m.from, beforeEnd-1).Draw(t, "suspected offset"))
	}
	if !m.run(t, ops) {
		if m.end < beforeEnd {
			_ = before // what no mark vouched for was damaged, and cut
		}
		return
	}
	m.p.flushed()
	if m.from == m.mark.LogStart && rapid.IntRange(0, 3).Draw(t, "mark?") > 0 { // else this was a transfer
		m.mark.LogEnd, m.mark.BatchHash = m.end, m.hash
		m.p.vouch(m.mark)
		m.index(t, false)
	}
}

// Reset is what a snapshot from a leader does whose log starts beyond our end.
func (m *segModel) Reset(t *rapid.T) {
	at := m.end + rapid.Int64Range(1, 40).Draw(t, "gap")
	m.p.reset(at, uint64(at)) // any hash
	m.from, m.end, m.hash = at, at, uint64(at)
}

// Install makes the mark durable that a transfer ends with.
func (m *segModel) Install(t *rapid.T) {
	m.guessed = m.guessed || m.others && m.from > m.mark.LogStart
	m.mark.LogStart, m.mark.LogEnd, m.mark.BatchHash = max(m.from, m.mark.LogStart), m.end, m.hash
	m.run(t, m.p.trim(nil, m.mark.LogStart))
}

func (m *segModel) Trim(t *rapid.T) {
	if m.from > m.mark.LogStart || m.lied {
		return // a reset waits for its mark; and a wrong index is in the way till the log start is past its segment
	}
	m.mark.LogStart = rapid.Int64Range(m.mark.LogStart, m.mark.LogEnd).Draw(t, "log start")
	m.from = m.mark.LogStart
	m.guessed = m.guessed || m.others // the hash that would tell another's batch may be gone
	m.run(t, m.p.trim(nil, m.mark.LogStart))
}

func (m *segModel) Crash(t *rapid.T) { m.crash(t) }

func (m *segModel) Roll(t *rapid.T) { m.p.rollNext = true }

// Suspect is a read that failed for no reason that stays.
func (m *segModel) Suspect(t *rapid.T) {
	if m.end > m.from {
		m.suspectAt(rapid.Int64Range(m.from, m.end-1).Draw(t, "suspected offset"))
	}
}

func (m *segModel) suspectAt(offset int64) {
	if rd, ok := m.p.find(offset, 0, true); ok {
		m.rotten = true
		m.p.suspect(rd)
		m.count["suspected"]++
		if _, ok := m.p.find(offset, 0, true); ok {
			panic(fmt.Sprintf("offset %d is found though it is suspected; holes %v", offset, m.p.holes()))
		}
	}
}

// Rot changes bytes of a batch file behind everybody's back.
func (m *segModel) Rot(t *rapid.T) {
	if name := m.pick(t, logSuffix); name != "" {
		m.rotBytes(t, name)
	}
}

func (m *segModel) pick(t *rapid.T, suffix string) string {
	names, _ := m.disk.List(testDir)
	names = slices.DeleteFunc(names, func(name string) bool { _, ok := parseSegmentName(name, suffix); return !ok })
	if len(names) == 0 {
		return ""
	}
	return testDir + "/" + rapid.SampledFrom(names).Draw(t, "file")
}

func (m *segModel) rotBytes(t *rapid.T, name string) {
	b := slices.Clone(m.disk.nodes[name].now)
	if len(b) == 0 {
		return
	}
	m.rotten = true
	at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
	if i, _, _ := bytes.Cut(b[at:], []byte{0, 0, 0}); rapid.Bool().Draw(t, "header") && at+len(i) < len(b) {
		at += len(i) // headers have zeros, noise has few
	}
	switch rapid.IntRange(0, 2).Draw(t, "rot") {
	case 0:
		b[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
	case 1:
		clear(b[at:min(at+sectorSize, len(b))])
	case 2:
		copy(b[at:min(at+sectorSize, len(b))], b)
	}
	damage(m.disk, name, b)
	m.count["rotten"]++
}

// Lose removes a file of batches or cuts it, and opens again.
func (m *segModel) Lose(t *rapid.T) {
	name := m.pick(t, logSuffix)
	if name == "" {
		return
	}
	m.rotten = true
	if b := m.disk.nodes[name].now; rapid.Bool().Draw(t, "cut") {
		damage(m.disk, name, b[:rapid.IntRange(0, len(b)).Draw(t, "to")])
	} else {
		damage(m.disk, name, nil)
	}
	m.count["cut or lost"]++
	m.open(t)
}

// Index damages or removes an index or start file, and opens again.
func (m *segModel) Index(t *rapid.T) {
	name := m.pick(t, rapid.SampledFrom([]string{indexSuffix, startSuffix}).Draw(t, "kind"))
	if name == "" {
		return
	}
	b := m.disk.nodes[name].now
	switch rapid.IntRange(0, 3).Draw(t, "damage") {
	case 0:
		damage(m.disk, name, nil)
	case 1:
		damage(m.disk, name, b[:rapid.IntRange(0, len(b)).Draw(t, "cut")])
	case 2:
		damage(m.disk, name, append(b, rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(t, "more")...))
	case 3:
		if len(b) == 0 {
			return
		}
		b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		damage(m.disk, name, b)
	}
	m.open(t)
}

// Repair takes a part of what is missing from a peer that has it, or from one that has something else.
func (m *segModel) Repair(t *rapid.T) {
	holes := m.p.holes()
	if len(holes) == 0 {
		return
	}
	h := rapid.SampledFrom(holes).Draw(t, "hole")
	batches := m.from1(h, rapid.IntRange(1, 8).Draw(t, "batches"))
	// Where the log begins in a hole, and no file says what was before, a peer can't be found out.
	if sp, _ := m.p.hole(h.From); (sp.before.known || sp.indexed) && rapid.IntRange(0, 4).Draw(t, "another's") == 0 {
		b := slices.Clone(batches[len(batches)-1])
		b[len(b)-1]++
		b[15] += byte(rapid.IntRange(0, 1).Draw(t, "epoch"))
		is, _, _ := ParseBatch(b)
		batches[len(batches)-1] = testBatch(is.BaseOffset, is.LeaderEpoch, int(is.LastOffsetDelta)+1, len(b)-BatchHeader, is.MaxTimestamp+1)
		m.count["another's"]++
		m.others = true
	}
	m.repair(t, h.From, batches, false)
}

// from1 returns what a peer has of a hole, some batches of it.
func (m *segModel) from1(h Range, n int) (batches [][]byte) {
	for _, b := range m.all {
		if b.next > h.From && b.base < h.To && len(batches) < n {
			batches = append(batches, slices.Clone(b.data))
		}
	}
	if len(batches) == 0 {
		panic(fmt.Sprintf("no batch in hole %v", h))
	}
	return batches
}

// repair says whether the bytes were taken.
func (m *segModel) repair(t *rapid.T, from int64, batches [][]byte, calm bool) bool {
	r, err := m.p.fit(from, batches)
	if err != nil {
		if !errors.Is(err, ErrMisfit) && !errors.Is(err, ErrBadBatch) {
			t.Fatalf("repair at %d: %v", from, err)
		}
		m.count["refused"]++
		m.said = err
		return false
	}
	ops, ok := m.p.planRepair(nil, r)
	if !ok {
		t.Fatalf("the hole at %d is gone", from)
	}
	if calm {
		if d := NewRunner(m.disk).Run(Plan{Ops: ops}); d.Err != nil {
			t.Fatal(d.Err)
		}
	} else if !m.run(t, ops) {
		return false
	}
	m.p.repaired(r)
	m.count["repaired"]++
	m.index(t, calm)
	return true
}

// index makes the index and start files that are due.
func (m *segModel) index(t *rapid.T, calm bool) {
	for _, s := range m.p.live {
		if !s.untold() || m.p.touches(s, true) || !m.p.vouched(s.end) {
			continue
		}
		ops := m.p.planIndex(nil, s)
		if calm {
			if d := NewRunner(m.disk).Run(Plan{Ops: ops}); d.Err != nil {
				t.Fatal(d.Err)
			}
		} else if !m.run(t, ops) {
			return
		}
		s.told()
	}
}

// Heal repairs and scrubs until nothing is wrong any more: then everything is there.
func (m *segModel) Heal(t *rapid.T) {
	for range 1000 {
		if holes := m.p.holes(); len(holes) > 0 {
			if !m.repair(t, holes[0].From, m.from1(holes[0], 5), true) {
				m.scrub(t) // which goes on beside repairs
			}
			continue
		}
		if d := NewRunner(m.disk).Run(Plan{Ops: m.p.trim(nil, m.mark.LogStart)}); d.Err != nil {
			t.Fatal(d.Err)
		}
		if len(m.p.spans) > 0 {
			t.Fatalf("nothing is lost, and still unproved: %+v", m.p.spans[0])
		}
		if m.scrub(t) == 0 {
			// What is below the log start, or from before a reset, isn't repaired.
			m.rotten = m.p.start() < m.from || len(m.p.kept)+len(m.p.loose) > 0 || m.from > m.mark.LogStart
			for at := m.from; at < m.end; {
				at = m.checkFind(t, at, 0)
			}
			m.lied = m.lied && m.from > m.mark.LogStart // it may come back
			m.others = false
			m.count["healed"]++
			return
		}
	}
	t.Fatalf("not whole after many repairs: holes %v, log %d to %d, %+v; the last refusal: %v", m.p.holes(), m.from, m.end, *m.p.spans[0], m.said)
}

// scrub returns the number of stretches that were rotten.
func (m *segModel) scrub(t *rapid.T) (bad int) {
	for at := int64(0); ; {
		rd, next, ok := m.p.scrub(at)
		if !ok {
			return bad
		}
		if next <= at {
			t.Fatalf("scrub of %d leads to %d", at, next)
		}
		at = next
		found, err := m.p.verify(rd, NewRunner(m.disk).Read(rd).Data)
		if (err != nil) != (len(found) > 0) || err != nil && !m.rotten {
			t.Fatalf("scrub of %+v: %v, %v", rd, found, err)
		}
		for _, rd := range found {
			m.p.suspect(rd)
			bad++
		}
	}
}

func (m *segModel) Scrub(t *rapid.T) { m.scrub(t) }

// Check compares what is found with the list.
func (m *segModel) Check(t *rapid.T) {
	if m.guessed {
		t.Skip("discard this draw: no file says what was before the log's first batches, so that what was put there can't be told")
	}
	if m.p.end() != m.end || m.p.next() != m.end {
		t.Fatalf("end is %d, next %d, expected %d", m.p.end(), m.p.next(), m.end)
	}
	if m.p.start() > m.from && !m.rotten {
		t.Fatalf("start is %d, expected %d at most", m.p.start(), m.from)
	}
	for _, outside := range []int64{m.p.start() - 1, m.end, m.end + 7} {
		if rd, ok := m.p.find(outside, 100, true); ok {
			t.Fatalf("offset %d is found at %+v, segments hold %d to %d", outside, rd, m.p.start(), m.end)
		}
	}
	last := int64(-1)
	for _, h := range m.p.holes() {
		if h.From >= h.To || h.From < last || h.To > m.end || h.To <= m.from || !m.rotten {
			t.Fatalf("holes are %v; log %d to %d", m.p.holes(), m.from, m.end)
		}
		last = h.To
	}
	m.checkFiles(t)
	m.checkHashes(t)
	if m.end > m.from {
		m.checkFind(t, rapid.Int64Range(m.from, m.end-1).Draw(t, "offset"), rapid.IntRange(0, 5000).Draw(t, "max"))
	}
	if !m.rotten {
		m.checkTime(t, m.ts+rapid.Int64Range(-500, 50).Draw(t, "time"))
		m.checkNewest(t)
	}
	m.checkInfo(t)
}

// checkInfo compares what retention goes by with the batches: a segment's highest timestamp is none of its batches' less, but for what is lost,
// and the highest of them where all is whole; its offsets and bytes are theirs.
func (m *segModel) checkInfo(t *rapid.T) {
	holes := m.p.holes()
	for _, in := range m.p.info() {
		var highest, bytes int64
		for _, b := range m.all {
			lost := slices.ContainsFunc(holes, func(h Range) bool { return b.base < h.To && h.From < b.next })
			if b.base < in.Base || b.next > in.End || lost || b.next <= m.from {
				continue
			}
			highest, bytes = max(highest, b.ts), bytes+int64(len(b.data))
		}
		whole := !m.rotten && in.Base >= m.from
		if in.MaxTimestamp < highest && !m.lied || whole && in.MaxTimestamp > highest && in.MaxTimestamp != math.MaxInt64 || whole && bytes != in.Size {
			t.Fatalf("segment %+v, log from %d: its batches have %d bytes, and %d as their highest timestamp", in, m.from, bytes, highest)
		}
	}
}

// checkHashes compares running hashes where they are said to be known.
func (m *segModel) checkHashes(t *rapid.T) {
	known := 0
	for _, b := range m.all {
		if b.next <= m.from {
			continue
		}
		if h, ok := m.p.hashAt(b.next); ok && h != b.hash && !m.lied {
			t.Fatalf("running hash at %d is %016x, expected %016x", b.next, h, b.hash)
		} else if ok {
			known++
		}
	}
	if m.end > m.from && known == 0 && !m.rotten {
		t.Fatal("no running hash is known")
	}
}

// checkFind reads at an offset that must be there, unless it is lost: the right bytes, as many as asked for.
func (m *segModel) checkFind(t *rapid.T, offset int64, maxBytes int) int64 {
	rd, ok := m.p.find(offset, maxBytes, false)
	peer, toPeer := m.p.find(offset, maxBytes, true)
	if ok && (!toPeer || peer.Len < rd.Len) {
		t.Fatalf("offset %d is found at %+v, for a peer at %+v", offset, rd, peer)
	}
	if !ok {
		i := slices.IndexFunc(m.p.spans, func(sp *span) bool { return sp.from() <= offset && offset < sp.to() })
		if i < 0 || !m.rotten {
			t.Fatalf("offset %d isn't found, segments hold %d to %d, holes %v", offset, m.p.start(), m.end, m.p.holes())
		}
		return offset
	}
	done := NewRunner(m.disk).Read(rd)
	bad, err := m.p.verify(rd, done.Data)
	if err != nil {
		if !m.rotten {
			t.Fatalf("%+v: %d bytes, %v", rd, len(done.Data), err)
		}
		for _, rd := range bad {
			m.p.suspect(rd)
		}
		m.count["found by reading"]++
		return offset
	}
	got, next, err := rd.Cut(done.Data, offset, maxBytes, true)
	if err != nil {
		t.Fatalf("offset %d: %v", offset, err)
	}
	i := slices.IndexFunc(m.all, func(b modelBatch) bool { return b.next > offset })
	want, wantNext := slices.Clone(m.all[i].data), m.all[i].next
	file, _ := parseSegmentName(rd.File[len(testDir)+1:], logSuffix)
	s := m.p.live[slices.IndexFunc(m.p.live, func(s *segment) bool { return s.base == file })]
	for _, b := range m.all[i+1:] {
		if _, ok := m.p.find(b.base, 0, false); !ok || len(want)+len(b.data) > maxBytes || b.base >= s.end {
			break
		}
		want, wantNext = append(want, b.data...), b.next
	}
	if !bytes.Equal(got, want) || next != wantNext {
		t.Fatalf("offset %d, at most %d bytes: got %d bytes up to %d, expected %d up to %d", offset, maxBytes, len(got), next, len(want), wantNext)
	}
	return next
}

func (m *segModel) checkTime(t *rapid.T, ts int64) {
	got, _, ok := m.p.findTime(ts)
	i := slices.IndexFunc(m.all, func(b modelBatch) bool { return b.ts >= ts && b.next > m.from })
	if i < 0 {
		// The interval that the log start is in may have it below the log start.
		if ok && (got > m.from || m.from == m.end) {
			t.Fatalf("time %d is found at offset %d, expected nowhere", ts, got)
		}
		return
	}
	want := m.all[i]
	if !ok || got >= want.next || got < m.from {
		t.Fatalf("time %d is found at offset %d, %t, expected %d", ts, got, ok, want.base)
	}
	between := 0
	for _, b := range m.all[:i] {
		if b.base >= got {
			between += len(b.data)
		}
	}
	if between > m.opt.IndexBytes && got > m.from {
		t.Fatalf("time %d is found at offset %d, %d bytes before %d, expected %d at most", ts, got, between, want.base, m.opt.IndexBytes)
	}
}

// checkNewest goes through the intervals that grow no more: the newest come first, and all batches are in one, but for those in holes.
func (m *segModel) checkNewest(t *rapid.T) {
	settled := m.p.settled()
	in := FirstInterval
	have := map[int64]int64{} // highest timestamp, by offset of a batch
	for {
		next, ok := m.p.findNewest(m.from, settled, in)
		if !ok {
			break
		}
		if !in.before(next) || next.To <= m.from || next.To > settled || next.From >= next.To || next.Size <= 0 {
			t.Fatalf("%+v comes behind %+v, from offset %d to %d", next, in, m.from, settled)
		}
		in = next
		for _, b := range m.all {
			if next.From <= b.base && b.base < next.To {
				have[b.base] = in.MaxTimestamp
			}
		}
	}
	holes := m.p.holes()
	for _, b := range m.all {
		lost := slices.ContainsFunc(holes, func(h Range) bool { return b.base < h.To && h.From < b.next })
		if ts, ok := have[b.base]; b.next > m.from && b.next <= settled && !lost && (!ok || ts < b.ts) {
			t.Fatalf("the batch at offset %d has timestamp %d, its interval %d, found: %t", b.base, b.ts, ts, ok)
		}
	}
}

// checkFiles compares the files with what segments say of them: nothing else is there, and each closed one has its index.
func (m *segModel) checkFiles(t *rapid.T) {
	var size int64
	for i, s := range m.p.live {
		size += s.size
		if s.synced != s.size || i > 0 && m.p.live[i-1].end > s.base || len(s.index) == 0 {
			t.Fatalf("segment %d: %+v behind %+v", i, s, m.p.live[max(i-1, 0)])
		}
		if i+1 < len(m.p.live) && !s.sealed {
			t.Fatalf("segment %d is open, and not the last", s.base)
		}
		if !m.rotten && s.sealed != s.indexed && m.p.vouched(s.end) {
			t.Fatalf("segment %d is closed: %t, has an index: %t", s.base, s.sealed, s.indexed)
		}
		if s.indexed && !m.rotten {
			n := m.disk.nodes[m.p.file(s.base, indexSuffix)]
			got, err := decodeIndex(testDir, n.now)
			if err == nil { // in memory there may be more, from before a suspected interval was taken apart
				got.index = slices.DeleteFunc(got.index, func(e indexEntry) bool {
					i, ok := s.index.boundary(int64(e.pos))
					return ok && e.hash == s.index[i].hash && e.offset == s.index[i].offset && e.maxTS >= s.index[i].maxTS
				})
			}
			if err != nil || len(got.index) > 0 || got.hash != s.hash || got.size != s.size || got.end != s.end {
				t.Fatalf("index of segment %d: %+v, %v", s.base, got, err)
			}
		}
		if !m.rotten {
			m.checkScan(t, s)
		}
	}
	for _, name := range m.p.loose { // else a start would end the one where the other begins
		at := m.p.looseBase(name)
		if s := m.p.segmentAt(at); strings.HasSuffix(name, logSuffix) && s != nil {
			t.Fatalf("%s is of no use, and lies within segment %d, which ends at %d", name, s.base, s.end)
		}
	}
	if m.p.size() != size {
		t.Fatalf("size is %d, expected %d", m.p.size(), size)
	}
	want := m.p.allFiles()
	slices.Sort(want)
	names, _ := m.disk.List(testDir)
	for i := range names {
		names[i] = testDir + "/" + names[i]
	}
	if !slices.Equal(names, want) {
		t.Fatalf("files are %q, expected %q", names, want)
	}
}

// checkScan reads a segment: what it holds is what is known of it.
func (m *segModel) checkScan(t *rapid.T, s *segment) {
	f, err := m.disk.Open(m.p.file(s.base, logSuffix))
	if err != nil {
		t.Fatal(err)
	}
	sc, err := newScan(f, "live", s.base, anchor{s.index[0].hash, true}, m.opt)
	if err != nil {
		t.Fatal(err)
	}
	sc.run(s.end)
	if len(sc.damage) > 0 || sc.seg.size != s.size || sc.hash.hash != s.hash {
		t.Fatalf("segment %d: %d bytes, in memory %d; running hash %016x, in memory %016x; %q", s.base, sc.seg.size, s.size, sc.hash.hash, s.hash, sc.damage)
	}
}

// L1, L6, L10, L13: whatever is planned, taken back, trimmed, crashed, cut and rots: what is found is what was written, byte
// for byte; and once peers gave what was lost, all that a durable mark speaks of is found.
func TestSegmentsModel(t *testing.T) {
	count := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		m := newSegModel(t, count)
		actions := rapid.StateMachineActions(m)
		for i := range 3 {
			actions[fmt.Sprint("Append", i)] = m.Append
		}
		t.Repeat(actions)
		m.Heal(t)
		m.Check(t)
	})
	t.Log(count)
}
