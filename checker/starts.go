package checker

import (
	"cmp"
	"slices"
	"sort"
)

// A log's start moves up: by a trim, or by itself if the history says that there is
// retention. It is told by trims and starts, and shown by a read that begins above
// the offset it asked for; so each of these shows a level of it at some instant
// between call and return.
//
//	start       0 ──────── 40 ─────────── 70
//	trim(40)=40   ├──┤
//	start()=0     ├─┤                          overlaps, so it may come before
//	start()=0               ├─┤                log-start-behind
//	trim(70)                   ├ … unknown
//	read(50) from 60                   ├──┤    70 ≥ 60 had been asked for by then
//
// All of it is legal iff no level told lies below one shown before it was asked
// for, each level told above 0 is one that a trim asked for no later than it was
// first shown, and the log is as long as its start (a lower bound, as of any read).
// A trim that was answered with more than it asked for has moved nothing.
// A level that a read shows need not be exact: the lowest that fits constrains least.
type starts struct {
	trims  []trim
	asked  map[int64]int // by id, trims invoked and outstanding: where they were put
	sorted bool
	shows  []startShow
	judged int
	// Of the shows judged, in order of return: the highest level up to each.
	rets []int64
	tops []int64
	by   []int32
	// below is, in a sparse history at its end, the highest offset below each that
	// holds a value, or -1.
	below []int32
}

// trim asks for a start of at least to.
type trim struct {
	to, call int64
	idle     bool // it failed, or moved nothing
}

// startShow is an operation that shows a start of level, or of at least it if it
// is a read.
type startShow struct {
	level int64
	op    int32
	from  int64 // read: where it began to pass over; else -1
	most  int64 // read: the length, if its end tells it
}

func newStarts() starts { return starts{asked: map[int64]int{}, sorted: true} }

// invoke takes a trim that was called.
func (s *starts) invoke(op *Op) {
	s.asked[op.ID] = len(s.trims)
	s.ask(op)
}

func (s *starts) ask(op *Op) {
	s.sorted = false
	s.trims = append(s.trims, trim{op.From, op.Call, false})
}

// trim takes a trim with its outcome.
func (p *part) trim(op *Op) {
	moves := op.Outcome == Unknown || op.Outcome == OK && op.Off == op.From
	if i, ok := p.starts.asked[op.ID]; ok {
		delete(p.starts.asked, op.ID)
		if !moves {
			p.starts.drop(trim{op.From, op.Call, false}, i)
		}
	} else if moves {
		p.starts.ask(op)
	}
	if op.Outcome == OK {
		p.observe(op)
	}
}

// drop marks a trim that moved nothing. Sorting may have moved it from i.
func (s *starts) drop(t trim, i int) {
	if s.trims[i] != t {
		i = slices.Index(s.trims, t)
	}
	s.trims[i].idle = true
}

// start takes what an operation tells of the log's start.
func (p *part) start(op *Op) {
	if op.Kind == Trim && op.Off < op.From {
		i := p.keep()
		p.violate(TrimNotDone, op.Off, []int32{i}, "%s asked that the log begin at offset %d or later, and was told that it begins at %d",
			p.say(i), op.From, op.Off)
		return
	}
	p.longer(op.Off)
	p.starts.shows = append(p.starts.shows, startShow{op.Off, p.keep(), -1, never})
}

// passed takes a read that left out the offsets from the one it asked for up to off.
// At its instant the log is no longer than the end that it shows.
func (p *part) passed(op *Op) {
	most := never
	if p.endsLog(op) {
		most = op.offset(len(op.Values)-1) + 1
	}
	p.starts.shows = append(p.starts.shows, startShow{op.Offs[0], p.keep(), op.From, most})
}

// judgeStarts judges the shows that are new. Online they come in order of return,
// and some trims may yet turn out to have moved nothing; at the end, final, all is judged again.
func (p *part) judgeStarts(final bool) {
	s := &p.starts
	if final {
		s.rets, s.tops, s.by, s.judged = nil, nil, nil, 0
		ret := func(a startShow) int64 { return p.times.at(int(a.op)).ret }
		slices.SortStableFunc(s.shows, func(a, b startShow) int { return cmp.Compare(ret(a), ret(b)) })
		s.trims = slices.DeleteFunc(s.trims, func(t trim) bool { return t.idle })
		s.sorted = false
	}
	if s.judged == len(s.shows) {
		return
	}
	if !s.sorted {
		slices.SortFunc(s.trims, func(a, b trim) int { return cmp.Or(cmp.Compare(a.to, b.to), cmp.Compare(a.call, b.call)) })
		s.sorted = true
	}
	for ; s.judged < len(s.shows); s.judged++ {
		p.judgeStart(&s.shows[s.judged], final)
	}
}

func (p *part) judgeStart(w *startShow, final bool) {
	s, t := &p.starts, p.times.get(int(w.op))
	level := w.level
	if w.from >= 0 {
		var ok bool
		if level, ok = p.passable(w, t.ret, final); !ok || !p.longerBy(w.op, level) {
			return
		}
	} else {
		before := sort.Search(len(s.rets), func(i int) bool { return s.rets[i] >= t.call })
		if before > 0 && s.tops[before-1] > level {
			by := s.by[before-1]
			p.violate(StartWentBack, level, []int32{w.op, by}, "%s was called at %d and told that the log begins at offset %d, and %s had shown by %d that it begins at %d or later",
				p.say(w.op), t.call, level, p.say(by), s.rets[before-1], s.tops[before-1])
		}
		first := t.ret
		if i, _ := slices.BinarySearch(s.tops, level); i < len(s.tops) {
			first = s.rets[i]
		}
		if !p.opts.Retention && level > 0 && !s.askedFor(level, first) {
			p.violate(StartUnasked, level, []int32{w.op}, "%s was told that the log begins at offset %d, and nobody had asked for that by %d",
				p.say(w.op), level, first)
		}
	}
	by := w.op
	if n := len(s.tops); n > 0 && s.tops[n-1] >= level {
		level, by = s.tops[n-1], s.by[n-1]
	}
	s.rets, s.tops, s.by = append(s.rets, t.ret), append(s.tops, level), append(s.by, by)
}

// longerBy is longer for a read whose start became known later: a log is as long as
// its start.
func (p *part) longerBy(by int32, n int64) bool {
	if !p.reach(n) {
		p.violate(StartBeyondEnd, n, []int32{by}, "%s shows that the log began at offset %d, which only %d values lead up to", p.say(by), n, p.values.len())
		return false
	}
	if last := p.lastOf(n - 1); p.ord.r(last) > p.times.at(int(by)).ret {
		p.conflict(p.ord.lower(last, by), last, false)
	}
	return true
}

// askedFor reports whether a trim asked for exactly level, by the instant at.
func (s *starts) askedFor(level, at int64) bool {
	i := s.atLeast(level)
	return i < len(s.trims) && s.trims[i].to == level && s.trims[i].call <= at
}

// atLeast is the first trim, in order, that asks for level or more.
func (s *starts) atLeast(level int64) int {
	return sort.Search(len(s.trims), func(i int) bool { return s.trims[i].to >= level })
}

// passable returns the lowest start that explains what a read passed over, and
// false if none does, or none is needed.
func (p *part) passable(w *startShow, ret int64, final bool) (level int64, ok bool) {
	level = w.level
	if p.opts.Sparse {
		if !final {
			return 0, false // what lies there may be told later
		}
		if level = p.valueBelow(w.level) + 1; level <= w.from {
			return 0, false
		}
	}
	if p.opts.Retention {
		return level, true
	}
	s := &p.starts
	for i := s.atLeast(level); i < len(s.trims); i++ {
		if s.trims[i].to <= w.most && s.trims[i].call <= ret {
			return s.trims[i].to, true
		}
	}
	if p.opts.Sparse {
		p.skipped(w.op, p.slots.get(int(level-1)))
	} else {
		p.violate(ReadSkipped, w.from, []int32{w.op}, "%s passed over offset %d to return offset %d, and this log has a record at every offset",
			p.say(w.op), w.from, w.level)
	}
	return 0, false
}

func (p *part) valueBelow(off int64) int64 {
	if p.starts.below == nil {
		last := int32(-1)
		for i := range p.slots.n {
			p.starts.below = append(p.starts.below, last)
			if p.slots.get(i) >= 0 {
				last = int32(i)
			}
		}
	}
	return int64(p.starts.below[off])
}
