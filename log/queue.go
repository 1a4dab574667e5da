package log

// item is one record that waits for its write group.
type item struct {
	seq               Seq
	kind              recordKind
	typ               EntryType
	g                 *group
	index, term, hash uint64 // as in header
	crc               uint32 // of data
	lost              uint32 // kindLost: how many bytes
	data              []byte
	of                Seq   // kindCopy, kindLost: what staged the entry that this copies
	fill              bool  // kindCopy: it gives a hole its bytes
	mark              *Mark // kindMark, kindInstall, kindCreate
}

func (it *item) header() header {
	return header{kind: it.kind, typ: it.typ, length: uint32(len(it.data)), group: it.g.id,
		index: it.index, term: it.term, hash: it.hash, crc: it.crc, lost: it.lost}
}

func (it *item) cost() sum {
	h := it.header()
	return h.cost()
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
	case kindCopy, kindLost:
		r := g.rec(it.index)
		return r == nil || r.seq != it.of || it.fill && g.fillAt(it.seq) < 0
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
	n     int
	sum   sum // void ones included
}

func (q *queue) bytes() int64 { return q.sum.inline + q.sum.bytes }

func (q *queue) push(it item) {
	if q.head > 64 && q.head > len(q.items)/2 {
		q.items = q.items[:copy(q.items, q.items[q.head:])]
		q.head = 0
	}
	q.items = append(q.items, it)
	q.n++
	q.sum = q.sum.plus(it.cost())
}

func (q *queue) at(i int) *item { return &q.items[q.head+i] }

// pop takes the first n items off.
func (q *queue) pop(n int) {
	for range n {
		q.sum = q.sum.plus(q.items[q.head].cost().negative())
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
