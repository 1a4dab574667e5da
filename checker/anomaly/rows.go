package anomaly

import (
	"fmt"
	"slices"
	"strings"

	"logd/checker"
)

// row is an operation, or one of a transaction, without a pointer: a history is kept as
// columns of numbers, and the text of a value once.
//
//	rows    call ret id off │ peer │ log │ kind …     one per operation, 64 bytes
//	inner   rows of the operations of transactions    first … first+n-1
//	refs    numbers of values                         first … first+n-1
//	offs    offsets, of reads of a sparse log         at … at+n-1
//	extras  what few operations have
type row struct {
	call, ret, id int64
	off           int64 // read: where it began; else as checker.Op's
	peer          int32 // in rows.peers
	log           int32 // -1: none
	first, n      int32
	at            int32 // -1: the offsets follow each other
	extra         int32 // -1: none
	kind          checker.Kind
	outcome       checker.Outcome
	poll, short   bool // short: a read that could have returned more
}

// peer is a session of a client.
type peer struct{ client, session int64 }

// extra is what few operations have.
type extra struct {
	parts      []int32 // logs
	rebalanced []string
	group      string
	beginning  bool
	from       int64 // of a trim
}

// rows is a history.
type rows struct {
	rows, inner []row
	refs        []int32
	offs        []int64
	extras      []extra
	peers       []peer
	peerOf      map[peer]int32
	logs        []*log
	logOf       map[string]int32
	text        strings.Builder // a block that names are cut from
	heard       int64
	refused     []string // why Validate refused an operation
}

func newRows() *rows { return &rows{peerOf: map[peer]int32{}, logOf: map[string]int32{}} }

// add takes an operation, of which it keeps nothing but copies.
func (h *rows) add(op *checker.Op) {
	h.heard++
	if err := op.Validate(); err != nil {
		h.refuse(err.Error())
		return
	}
	if len(h.rows) >= maxRows || len(h.refs) >= maxRows {
		h.refuse(fmt.Sprintf("more than %d operations or values, which is too many for check B", maxRows))
		return
	}
	if op.Kind == checker.Fault {
		return
	}
	r := h.row(op)
	if op.Kind == checker.Txn {
		inner := make([]row, 0, 8)
		for i := range op.Ops {
			inner = append(inner, h.row(&op.Ops[i]))
		}
		r.first, r.n = int32(len(h.inner)), int32(len(inner))
		h.inner = append(h.inner, inner...)
	}
	h.rows = append(h.rows, r)
}

// maxRows bounds operations and values, so that all have numbers of 32 bits, less two
// for the kind of an edge.
const maxRows = 1<<29 - 1<<24

func (h *rows) refuse(why string) {
	if len(h.refused) < MaxAnomalies && !slices.Contains(h.refused, why) {
		h.refused = append(h.refused, why)
	}
}

func (h *rows) row(op *checker.Op) row {
	r := row{call: op.Call, ret: op.Ret, id: op.ID, off: op.Off, peer: h.peer(op), log: -1, at: -1, extra: h.extra(op),
		kind: op.Kind, outcome: op.Outcome, poll: op.Poll}
	if op.Kind == checker.Read {
		n := int64(len(op.Values))
		r.off, r.short = op.From, n == 0 || n < op.Limit
	}
	if op.Kind == checker.Txn {
		return r
	}
	if op.Partition != "" {
		r.log = h.log(op.Partition)
	}
	r.first, r.n = int32(len(h.refs)), int32(len(op.Values))
	if r.log >= 0 {
		for _, v := range op.Values {
			h.refs = append(h.refs, h.value(h.logs[r.log], v))
		}
	}
	if op.Offs != nil {
		r.at = int32(len(h.offs))
		h.offs = append(h.offs, op.Offs...)
	}
	return r
}

func (h *rows) peer(op *checker.Op) int32 {
	key := peer{op.Client, op.Session}
	i, ok := h.peerOf[key]
	if !ok {
		i = int32(len(h.peers))
		h.peers, h.peerOf[key] = append(h.peers, key), i
	}
	return i
}

func (h *rows) extra(op *checker.Op) int32 {
	trim := op.Kind == checker.Trim
	if len(op.Parts) == 0 && len(op.Rebalanced) == 0 && op.Group == "" && !op.Beginning && !trim {
		return -1
	}
	x := extra{rebalanced: slices.Clone(op.Rebalanced), group: strings.Clone(op.Group), beginning: op.Beginning, from: op.From}
	for i, p := range x.rebalanced {
		x.rebalanced[i] = strings.Clone(p)
	}
	for _, p := range op.Parts {
		if p != "" {
			x.parts = append(x.parts, h.log(p))
		}
	}
	h.extras = append(h.extras, x)
	return int32(len(h.extras) - 1)
}

func (h *rows) log(name string) int32 {
	i, ok := h.logOf[name]
	if !ok {
		name = strings.Clone(name)
		i = int32(len(h.logs))
		h.logs, h.logOf[name] = append(h.logs, newLog(name)), i
	}
	return i
}

// value is the number of a log's value, the same for the same text.
func (h *rows) value(l *log, name string) int32 {
	v, ok := l.byName[name]
	if !ok {
		name = h.keep(name)
		v = int32(len(l.values))
		l.values = append(l.values, value{name: name, writer: -1, first: -1, last: -1})
		l.byName[name] = v
	}
	return v
}

// textBlock is how much text is kept in one piece.
const textBlock = 1 << 16

// keep returns a copy of a text.
func (h *rows) keep(s string) string {
	if h.text.Cap()-h.text.Len() < len(s) {
		h.text = strings.Builder{}
		h.text.Grow(max(textBlock, len(s)))
	}
	from := h.text.Len()
	h.text.WriteString(s)
	return h.text.String()[from:]
}

// over is when an operation was known to be over, or never (B2).
func (r *row) over() int64 {
	if r.outcome == checker.Unknown || r.outcome == 0 {
		return never
	}
	return r.ret
}

func (h *rows) vals(r *row) []int32 { return h.refs[r.first : r.first+r.n] }

// offset is that of the k-th value read.
func (h *rows) offset(r *row, k int) int64 {
	if r.at >= 0 {
		return h.offs[int(r.at)+k]
	}
	return r.off + int64(k)
}

// parts are what an assign or subscribe asks for, rebalanced what a group moved meanwhile.
func (h *rows) parts(r *row) []int32 {
	if r.extra < 0 {
		return nil
	}
	return h.extras[r.extra].parts
}

func (h *rows) rebalanced(r *row) []string {
	if r.extra < 0 {
		return nil
	}
	return h.extras[r.extra].rebalanced
}

func (h *rows) group(r *row) string {
	if r.extra < 0 {
		return ""
	}
	return h.extras[r.extra].group
}
