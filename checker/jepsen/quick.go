package jepsen

import "strings"

// quick reads an event of the usual spelling from its line: numbers, keywords and plain
// strings, sends and polls, and what our own export adds. It refuses every other line,
// which Decoder then reads, and judges; what it takes, it takes as Decoder and pairing
// would (E4). No form is made of anything: names are cut from the line.
//
//	{:index 0, :time 12, :process 3, :type :ok, :f :send, :value [[:send 11 [537 641]]]}
//	                  ▲           ▲         ▲      ▲                  │   ▲   ▲   ▲
//	                 time     process     kind     f                mops key off value
type quick struct {
	s    string
	i    int
	seen uint32

	time, process     int64
	kind, f           string
	batch, lin, asked bool // asked: it says from where it read
	from, limit       int64

	shape  valueShape
	mops   []quickMop
	polls  []quickPoll
	offs   []int64
	values []string
	fields quickFields
}

// valueShape is what the value of an event is.
type valueShape uint8

const (
	noValue  valueShape = iota // nil, or none
	mopList                    // [[:send 11 641] [:poll]]
	mopField                   // {:key 11, :offset 7}
)

// quickMop is a send, or a poll that has polls[first:end].
type quickMop struct {
	send       bool
	told       bool // its offset
	key, value string
	off        int64
	first, end int
}

// quickPoll is what a poll returned of a key: offs and values [first:end].
type quickPoll struct {
	key        string
	first, end int
}

type quickFields struct {
	key, group   string
	offset, from int64
	told         bool // the offset
}

// The keys of an event, for quick.seen.
const (
	seenIndex = 1 << iota
	seenTime
	seenProcess
	seenType
	seenF
	seenValue
	seenBatch
	seenFrom
	seenLimit
	seenLin
	seenRebalance
	seenAll = seenTime | seenProcess | seenType | seenF
)

// event reads a line, or reports false.
func (q *quick) event(line string) bool {
	*q = quick{s: line, mops: q.mops[:0], polls: q.polls[:0], offs: q.offs[:0], values: q.values[:0]}
	if strings.HasPrefix(line, "#") && !q.word("#jepsen.history.Op") {
		return false
	}
	if !q.byte('{') {
		return false
	}
	for !q.byte('}') {
		key, ok := q.keyword()
		if !ok || !q.field(key) {
			return false
		}
	}
	q.space()
	return q.i == len(q.s) && q.seen&seenAll == seenAll
}

// field reads the value of a key, each once.
func (q *quick) field(key string) bool {
	bit, ok := uint32(0), false
	switch key {
	case "index":
		_, ok = q.int()
		bit = seenIndex
	case "time":
		q.time, ok = q.int()
		bit = seenTime
	case "process":
		q.process, ok = q.int()
		bit = seenProcess
	case "type":
		q.kind, ok = q.keyword()
		bit = seenType
	case "f":
		q.f, ok = q.keyword()
		bit = seenF
	case "value":
		bit, ok = seenValue, q.value()
	case "batch":
		bit, ok = seenBatch, q.bool(&q.batch)
	case "from":
		q.from, ok = q.int()
		bit, q.asked = seenFrom, true
	case "limit":
		q.limit, ok = q.int()
		bit = seenLimit
	case "lin":
		bit, ok = seenLin, q.bool(&q.lin)
	case "rebalance-log":
		bit, ok = seenRebalance, q.byte('[') && q.byte(']')
	default:
		return q.atom()
	}
	was := q.seen
	q.seen |= bit
	return ok && was&bit == 0
}

func (q *quick) value() bool {
	switch q.peek() {
	case '[', '(':
		q.shape = mopList
		end := q.open()
		for !q.byte(end) {
			if !q.mop() {
				return false
			}
		}
		return true
	case '{':
		q.shape = mopField
		return q.keyed()
	}
	return q.word("nil")
}

// mop reads [:send k v], [:send k [off v]], [:poll], or [:poll {k [[off v] …]}].
func (q *quick) mop() bool {
	end := q.open()
	if end == 0 {
		return false
	}
	switch name, _ := q.keyword(); name {
	case "send":
		m := quickMop{send: true}
		var ok bool
		if m.key, ok = q.name(); !ok || !q.sent(&m) {
			return false
		}
		q.mops = append(q.mops, m)
	case "poll":
		m := quickMop{first: len(q.polls)}
		if q.peek() == '{' && !q.poll() || q.peek() == 'n' && !q.word("nil") {
			return false
		}
		m.end = len(q.polls)
		q.mops = append(q.mops, m)
	default:
		return false
	}
	return q.byte(end)
}

// sent reads a value, with or without its offset.
func (q *quick) sent(m *quickMop) (ok bool) {
	end := q.open()
	if end == 0 {
		m.value, ok = q.name()
		return ok
	}
	if q.peek() == 'n' {
		ok = q.word("nil")
	} else {
		m.off, ok = q.int()
		m.told = true
	}
	if !ok || m.off < 0 {
		return false
	}
	m.value, ok = q.name()
	return ok && q.byte(end)
}

// poll reads {k [[off v] …], …}.
func (q *quick) poll() bool {
	q.i++ // the brace
	for !q.byte('}') {
		p := quickPoll{first: len(q.offs)}
		var ok bool
		if p.key, ok = q.name(); !ok {
			return false
		}
		end := q.open()
		if end == 0 {
			return false
		}
		for !q.byte(end) {
			if !q.pair() {
				return false
			}
		}
		p.end = len(q.offs)
		q.polls = append(q.polls, p)
	}
	return true
}

func (q *quick) pair() bool {
	end := q.open()
	if end == 0 {
		return false
	}
	off, ok := q.int()
	if !ok || off < 0 {
		return false
	}
	v, ok := q.name()
	if !ok {
		return false
	}
	q.offs, q.values = append(q.offs, off), append(q.values, v)
	return q.byte(end)
}

// keyed reads {:key k, :group g, :from n, :offset n}, each at most once.
func (q *quick) keyed() bool {
	q.i++ // the brace
	f, was := &q.fields, uint32(0)
	for !q.byte('}') {
		key, ok := q.keyword()
		if !ok {
			return false
		}
		bit := uint32(0)
		switch key {
		case "key":
			f.key, ok = q.name()
			bit = 1
		case "group":
			ok = q.peek() == '"'
			if ok {
				f.group, ok = q.text()
			}
			bit = 2
		case "from":
			f.from, ok = q.int()
			bit = 4
		case "offset":
			f.offset, ok = q.int()
			bit, f.told = 8, true
		}
		if !ok || bit == 0 || was&bit != 0 {
			return false
		}
		was |= bit
	}
	return was&1 != 0
}
