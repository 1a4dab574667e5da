package log

// item is one record that waits for its write group.
type item struct {
	seq               Seq
	kind              recordKind
	typ               EntryType
	g                 *group
	index, term, hash uint64 // as in header
	crc               uint32 // of data
	data              []byte
	of                Seq   // kindCopy: what staged the entry that this copies
	mark              *Mark // kindMark, kindInstall, kindCreate
}

func (it *item) header() header {
	return header{kind: it.kind, typ: it.typ, length: uint32(len(it.data)), group: it.g.id,
		index: it.index, term: it.term, hash: it.hash, crc: it.crc}
}

// void says that nothing is to be written for it any more: what it would say was taken back, or is said by a later item.
func (it *item) void() bool {
	g := it.g
	switch it.kind {
	case kindDrop, kindCut:
		return false
	case kindEntry:
		r := g.rec(it.index)
		return r == nil || r.seq != it.seq
	case kindCopy:
		r := g.rec(it.index)
		return r == nil || r.seq != it.of
	case kindMark:
		return g.dropped || it.seq != g.markSeq
	case kindState:
		return g.dropped || it.seq < g.stateFrom
	}
	return g.dropped
}

// queue holds staged items in the order of their seq.
type queue struct {
	items []item
	head  int
	n     int   // void ones included
	bytes int64 // of data, void ones included
}

func (q *queue) push(it item) {
	if q.head > 64 && q.head > len(q.items)/2 {
		q.items = q.items[:copy(q.items, q.items[q.head:])]
		q.head = 0
	}
	q.items = append(q.items, it)
	q.n++
	q.bytes += int64(len(it.data))
}

func (q *queue) at(i int) *item { return &q.items[q.head+i] }

// pop takes the first n items off.
func (q *queue) pop(n int) {
	for range n {
		q.bytes -= int64(len(q.items[q.head].data))
		q.items[q.head] = item{}
		q.head++
		q.n--
	}
	if q.n == 0 {
		q.items, q.head = q.items[:0], 0
	}
}

// popVoid takes void items off the head.
func (q *queue) popVoid() {
	for q.n > 0 && q.at(0).void() {
		q.pop(1)
	}
}
