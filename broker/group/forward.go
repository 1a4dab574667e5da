package group

import (
	"bytes"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// forward is a copying of the whole table to the end of the log, after which the log may start where it began: what Kafka's
// cleaner does to segments, done so that all replicas agree.
//
//	    from                                  end
//	│ dead and live │ copies of live, new records │
//	────────────────► Trim
//
// A group is copied while nothing of it is on its way: so a copy says what is committed, and whatever is written later comes
// later in the log (C6). All keys whose last record lies before from are in the table when it begins, and are copied.
type forward struct {
	from   int64
	before int      // bytes of the records before from
	groups []string // still to be copied
	left   int      // copies of the present one on their way
}

// considerForward begins, if what is dead is more than what is live.
func (m *Machine) considerForward() {
	dead := m.total - m.live
	if m.forward != nil || dead <= m.cfg.DeadBytes || dead <= m.live || m.total < m.after {
		return
	}
	f := &forward{from: m.end, before: m.total}
	for _, g := range m.sorted() {
		if !g.table.empty() {
			f.groups = append(f.groups, g.id)
		}
	}
	m.forward = f
	m.forwardNext()
}

// forwardNext goes on with the next group, or ends.
func (m *Machine) forwardNext() {
	f := m.forward
	for len(f.groups) > 0 {
		g := m.groups[f.groups[0]]
		f.groups = f.groups[1:]
		if g != nil {
			m.admit(g, op{need: needWhole, run: m.copyForward})
			return
		}
	}
	m.out.Trim = f.from
	m.total -= f.before
	m.forward = nil
}

// copyForward writes a group's table again.
func (m *Machine) copyForward(g *group) {
	f := m.forward
	var chunk []Record
	size := 0
	flush := func() {
		f.left++
		m.begin(&write{g: g, copy: true, records: chunk, done: func(code int16) { m.copied(f, code) }})
		chunk, size = nil, 0
	}
	for _, r := range g.table.records(g.id) {
		if len(chunk) > 0 && size+r.size() > m.cfg.WriteBytes {
			flush()
		}
		chunk, size = append(chunk, r), size+r.size()
	}
	if len(chunk) > 0 {
		flush()
	}
	if f.left == 0 {
		m.forwardNext()
	}
}

// copied is the end of one copy. If one fails, nothing is trimmed: it begins anew, some time later.
func (m *Machine) copied(f *forward, code int16) {
	f.left--
	switch {
	case m.forward != f:
	case code != None:
		m.forward, m.after = nil, m.total+m.cfg.DeadBytes
	case f.left == 0:
		m.forwardNext()
	}
}

// checkCopy asserts that a copy, when it is committed, says what the table says (C6).
func (t *table) checkCopy(group string, copies []Record) {
	for _, r := range copies {
		now, ok := t.others[string(r.Key)]
		key := kmsg.NewOffsetCommitKey()
		if !ok && key.ReadFrom(r.Key) == nil {
			var o offset
			o, ok = t.offsets[offsetKey{key.Topic, key.Partition}]
			now = encodeOffset(o)
		}
		if !ok || !bytes.Equal(now, r.Value) {
			panic(fmt.Sprintf("invariant C6: group %q: a copy says %x, and the table %x, of key %x", group, r.Value, now, r.Key))
		}
	}
}
