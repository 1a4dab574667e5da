package log

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// segModel drives segments on a disk that crashes, beside a plain list of batches. What is durable of a group besides its
// segments is the mark.
type segModel struct {
	disk *memFS
	opt  Options
	p    *segments
	mark Mark
	from int64 // offsets below are found no more, for sure
	end  int64
	all  []modelBatch // with a gap where there was a reset
	ts   int64
}

type modelBatch struct {
	base, next int64
	ts         int64
	data       []byte
}

func newSegModel(t *rapid.T) *segModel {
	m := &segModel{
		disk: segFS(),
		opt: Options{
			SegmentBytes: rapid.Int64Range(1, 3000).Draw(t, "segment bytes"),
			IndexBytes:   rapid.IntRange(1, 1000).Draw(t, "index bytes"),
		},
		ts: 1000,
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
	p, err := openSegments(m.disk, testDir, m.opt, m.mark)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	m.p = p
	m.all = slices.DeleteFunc(m.all, func(b modelBatch) bool { return b.base >= m.mark.LogEnd || b.next <= m.mark.LogStart })
	m.from, m.end = m.mark.LogStart, m.mark.LogEnd
	if rapid.Bool().Draw(t, "power lost after opening") { // L6: what was accepted is stable
		m.disk = m.disk.losePower(func() bool { return rapid.Bool().Draw(t, "kept") })
	}
}

func (m *segModel) Append(t *rapid.T) {
	var batches [][]byte
	var made []modelBatch
	at := m.end
	for range rapid.IntRange(0, 12).Draw(t, "batches") {
		m.ts += rapid.Int64Range(-50, 100).Draw(t, "time goes by")
		n := rapid.IntRange(1, 20).Draw(t, "offsets")
		data := testBatch(at, 1, n, rapid.IntRange(0, 1500).Draw(t, "payload"), m.ts)
		made = append(made, modelBatch{base: at, next: at + int64(n), ts: m.ts, data: slices.Clone(data)})
		batches = append(batches, data)
		at += int64(n)
	}
	ops := m.p.append(nil, batches)
	for _, b := range batches { // they were copied
		for i := range b {
			b[i] = 0xdd
		}
	}
	if m.p.end() != m.end {
		t.Fatalf("the end is %d before completion, expected %d", m.p.end(), m.end)
	}
	if _, ok := m.p.find(m.end, 1); ok {
		t.Fatalf("offset %d is found before completion", m.end)
	}
	if !m.run(t, ops) {
		return
	}
	m.p.flushed()
	m.all = append(m.all, made...)
	m.end = at
	if m.from == m.mark.LogStart && rapid.IntRange(0, 3).Draw(t, "mark?") > 0 { // else this was a transfer
		m.mark.LogEnd = m.end
	}
}

// Reset is what a snapshot from a leader does whose log starts beyond our end.
func (m *segModel) Reset(t *rapid.T) {
	at := m.end + rapid.Int64Range(0, 40).Draw(t, "gap")
	ops := m.p.reset(nil, at, 0)
	m.from, m.end = at, at
	m.run(t, ops)
}

// Install makes the mark durable that a transfer ends with.
func (m *segModel) Install(t *rapid.T) {
	m.mark.LogStart, m.mark.LogEnd = max(m.from, m.mark.LogStart), m.end
	m.run(t, m.p.trim(nil, m.mark.LogStart))
}

func (m *segModel) Trim(t *rapid.T) {
	if m.from > m.mark.LogStart {
		return // a reset waits for its mark
	}
	m.mark.LogStart = rapid.Int64Range(m.mark.LogStart, m.mark.LogEnd).Draw(t, "log start")
	m.from = m.mark.LogStart
	m.run(t, m.p.trim(nil, m.mark.LogStart))
}

func (m *segModel) Crash(t *rapid.T) { m.crash(t) }

// Index damages or removes an index file, and opens again.
func (m *segModel) Index(t *rapid.T) {
	names, err := m.disk.List(testDir)
	if err != nil {
		return
	}
	names = slices.DeleteFunc(names, func(name string) bool { _, ok := parseSegmentName(name, indexSuffix); return !ok })
	if len(names) == 0 {
		return
	}
	name := testDir + "/" + rapid.SampledFrom(names).Draw(t, "index")
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

// Check compares what is found with the list.
func (m *segModel) Check(t *rapid.T) {
	if m.p.end() != m.end || m.p.next() != m.end {
		t.Fatalf("end is %d, next %d, expected %d", m.p.end(), m.p.next(), m.end)
	}
	if m.p.start() > m.from {
		t.Fatalf("start is %d, expected %d at most", m.p.start(), m.from)
	}
	for _, outside := range []int64{m.p.start() - 1, m.end, m.end + 7} {
		if rd, ok := m.p.find(outside, 100); ok {
			t.Fatalf("offset %d is found at %+v, segments hold %d to %d", outside, rd, m.p.start(), m.end)
		}
	}
	m.checkFiles(t)
	if m.end > m.from {
		m.checkFind(t, rapid.Int64Range(m.from, m.end-1).Draw(t, "offset"), rapid.IntRange(0, 5000).Draw(t, "max"))
	}
	m.checkTime(t, m.ts+rapid.Int64Range(-500, 50).Draw(t, "time"))
}

// checkFind reads at an offset that must be there: the right bytes, as many as asked for.
func (m *segModel) checkFind(t *rapid.T, offset int64, maxBytes int) {
	rd, ok := m.p.find(offset, maxBytes)
	if !ok {
		t.Fatalf("offset %d isn't found, segments hold %d to %d", offset, m.p.start(), m.end)
	}
	done := NewRunner(m.disk).Read(rd)
	if done.Err != nil || len(done.Data) != rd.Len {
		t.Fatalf("%+v: %d bytes, %v", rd, len(done.Data), done.Err)
	}
	got, next, err := CutBatches(done.Data, offset, maxBytes, true)
	if err != nil {
		t.Fatalf("offset %d: %v", offset, err)
	}
	i := slices.IndexFunc(m.all, func(b modelBatch) bool { return b.next > offset })
	want, wantNext := slices.Clone(m.all[i].data), m.all[i].next
	file, _ := parseSegmentName(rd.File[len(testDir)+1:], logSuffix)
	for _, b := range m.all[i+1:] {
		s := slices.IndexFunc(m.p.live, func(s *segment) bool { return s.base == file })
		if len(want)+len(b.data) > maxBytes || b.base >= m.p.live[s].end {
			break
		}
		want, wantNext = append(want, b.data...), b.next
	}
	if !bytes.Equal(got, want) || next != wantNext {
		t.Fatalf("offset %d, at most %d bytes: got %d bytes up to %d, expected %d up to %d", offset, maxBytes, len(got), next, len(want), wantNext)
	}
}

func (m *segModel) checkTime(t *rapid.T, ts int64) {
	got, ok := m.p.findTime(ts)
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

// checkFiles compares the files with what segments say of them: nothing else is there, and each closed one has its index.
func (m *segModel) checkFiles(t *rapid.T) {
	var want []string
	var size int64
	for i, s := range m.p.live {
		want = append(want, m.p.files(i)...)
		f, err := m.disk.Open(m.p.file(s.base, logSuffix))
		if err != nil {
			t.Fatal(err)
		}
		sc, err := scanSegment(f, "live", s.base, s.end, m.opt.IndexBytes)
		if err != nil {
			t.Fatal(err)
		}
		if sc.size != s.size || s.synced != s.size || !slices.Equal(sc.seg.index, s.index) {
			t.Fatalf("segment %d: %d bytes, in memory %d, synced %d; index %v, in memory %v", s.base, sc.size, s.size, s.synced, sc.seg.index, s.index)
		}
		if i+1 < len(m.p.live) && s.size < m.opt.SegmentBytes {
			t.Fatalf("segment %d was closed at %d bytes", s.base, s.size)
		}
		size += s.size
		if i+1 < len(m.p.live) {
			n := m.disk.nodes[m.p.file(s.base, indexSuffix)]
			if got, err := decodeIndex(n.now); err != nil || !slices.Equal(got.index, s.index) {
				t.Fatalf("index of segment %d: %+v, %v", s.base, got, err)
			}
		}
	}
	if m.p.size() != size {
		t.Fatalf("size is %d, expected %d", m.p.size(), size)
	}
	want = append(want, m.p.kept...)
	slices.Sort(want)
	names, _ := m.disk.List(testDir)
	for i := range names {
		names[i] = testDir + "/" + names[i]
	}
	if !slices.Equal(names, want) {
		t.Fatalf("files are %q, expected %q", names, want)
	}
}

// L1, L6, L10: whatever is planned, trimmed, crashed and cut: what a durable mark speaks of is found, byte for byte.
func TestSegmentsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		t.Repeat(rapid.StateMachineActions(newSegModel(t)))
	})
}
