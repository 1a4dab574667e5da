package crash

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"logd/log"
	"logd/log/memfs"
)

// MaxStates is the most states of one boundary, and how many choices are tried one and all.
const MaxStates = 4096

// Row is one line of the table.
type Row struct {
	What       string // work, recovery or second life, or format
	Kind       log.OpKind
	Lane       string
	Done       bool // behind a completion
	Boundaries int
	States     int // images, equal ones included
	Distinct   int // images that were in no run before, filled in by the campaign
}

// state is an image that was new to its run.
type state struct {
	key uint64
	row int
}

// explorer looks at the boundaries of one run.
type explorer struct {
	memo    *memo
	kind    uint64 // of disk, so that equal disks of different options are not taken for one
	open    opener
	judge   func(*outcome) *Violation // at the boundary at hand
	limit   int                       // states of a boundary, where not all choices are tried
	whole   int                       // how many choices are tried one and all
	rng     *rand.Rand
	title   string // of the run
	seen    map[uint64]bool
	fresh   []state
	rows    []Row
	row     int // of the boundary at hand
	number  int // boundaries so far
	states  int // at the boundary at hand
	judged  map[uint64]*Violation
	flying  []log.Op
	sampled func(fs *memfs.FS, key uint64, process bool) // what else is done with some of the new images
	found   *Violation
}

// at begins a boundary.
func (x *explorer) at(r Row, judge func(*outcome) *Violation, flying []log.Op) {
	x.row = -1
	for i := range x.rows {
		if is := &x.rows[i]; is.What == r.What && is.Kind == r.Kind && is.Lane == r.Lane && is.Done == r.Done {
			x.row = i
		}
	}
	if x.row < 0 {
		x.row = len(x.rows)
		x.rows = append(x.rows, r)
	}
	x.rows[x.row].Boundaries++
	x.number++
	x.states = 0
	x.judge, x.flying = judge, flying
	x.judged = map[uint64]*Violation{}
}

// boundary goes through everything that may be left of a disk on which some operations are in flight. r says whose.
func (x *explorer) boundary(r Row, fs *memfs.FS, flying []log.Op, judge func(*outcome) *Violation) {
	x.at(r, judge, flying)
	all := fs.Clone()
	for _, op := range flying {
		begin(all, op)
	}
	x.processes(fs, all)
	c := all.Crash(memfs.SectorSize)
	if product(c.Options(), x.whole-x.states) > 0 {
		x.every(c)
		return
	}
	limit := min(max(x.limit, 2*x.states), MaxStates)
	whole := all.Crash(memfs.PageSize)
	if product(whole.Options(), limit/2-x.states) > 0 {
		x.every(whole)
	} else {
		x.some(whole, x.states+(limit-x.states)/3)
	}
	x.some(c, limit)
}

// prefixes is how many beginnings of a write in flight a process may end after.
const prefixes = 4

// processes ends the process: with the operations in flight done, partly done, or after a sync that failed.
func (x *explorer) processes(fs, all *memfs.FS) {
	x.state(all.Clone(), "the process ends", nil, nil)
	failed := all.Clone()
	failed.FailSync()
	x.state(failed, "the process ends after a failed sync", nil, nil)
	for i, op := range x.flying {
		if op.Kind != log.OpWrite && op.Kind != log.OpWriteSync || x.whole < MaxStates {
			continue
		}
		for k := range prefixes {
			part := op
			part.Data = op.Data[:len(op.Data)*k/prefixes]
			left := fs.Clone()
			for j, other := range x.flying {
				if j != i {
					begin(left, other)
				}
			}
			begin(left, part)
			if k%2 == 1 {
				left.FailSync()
			}
			x.state(left, "the process ends within the operation", nil, nil)
		}
	}
}

// product returns the number of combinations, 0 if it is above a limit.
func product(options []int, limit int) int {
	n := 1
	for _, k := range options {
		if n *= k; n > limit {
			return 0
		}
	}
	return n
}

// every tries all combinations.
func (x *explorer) every(c *memfs.Crash) {
	options := c.Options()
	pick := make([]int, len(options))
	for {
		x.power(c, pick)
		i := 0
		for ; i < len(pick); i++ {
			if pick[i]++; pick[i] < options[i] {
				break
			}
			pick[i] = 0
		}
		if i == len(pick) {
			return
		}
	}
}

// some tries combinations until a boundary has so many states (X3).
func (x *explorer) some(c *memfs.Crash, limit int) {
	options := c.Options()
	pick := make([]int, len(options))
	try := func(of func(i int) bool) {
		if x.states >= limit {
			return
		}
		for i := range pick {
			pick[i] = 0
			if of(i) {
				pick[i] = options[i] - 1
				if options[i] > 2 {
					pick[i] = 1 + x.rng.IntN(options[i]-1)
				}
			}
		}
		x.power(c, pick)
	}
	try(func(int) bool { return false })
	try(func(int) bool { return true })
	for k := range options {
		try(func(i int) bool { return i == k })
		try(func(i int) bool { return i != k })
		try(func(i int) bool { return i < k })
		try(func(i int) bool { return i >= k })
	}
	for x.states < limit && x.found == nil {
		odds := []int{8, 8, 8, 1, 15}[x.rng.IntN(5)]
		try(func(int) bool { return x.rng.IntN(16) < odds })
	}
}

func (x *explorer) power(c *memfs.Crash, pick []int) {
	if x.found == nil {
		x.state(c.Image(pick), "the power fails", c, pick)
	}
}

// state recovers one image, unless it is known what comes of it, and judges it.
func (x *explorer) state(fs *memfs.FS, how string, c *memfs.Crash, pick []int) {
	if x.found != nil {
		return
	}
	x.states++
	x.rows[x.row].States++
	key := fold(fs.Sum(), x.kind)
	fresh := !x.seen[key]
	var before *memfs.FS
	if fresh && x.sampled != nil {
		before = fs.Clone()
	}
	r := x.memo.recover(fs, key, x.kind, x.open)
	v, known := x.judged[r.out.sum]
	if !known {
		v = x.judge(r.out)
		x.judged[r.out.sum] = v
	}
	if v == nil {
		v = r.fault
	}
	if v != nil {
		x.fail(v, how, c, pick)
		return
	}
	if !fresh {
		return
	}
	x.seen[key] = true
	x.fresh = append(x.fresh, state{key: key, row: x.row})
	if x.sampled != nil {
		x.sampled(before, key, c == nil)
	}
}

// fail takes the first violation of a run, and says where it is.
func (x *explorer) fail(v *Violation, how string, c *memfs.Crash, pick []int) {
	b := &strings.Builder{}
	fmt.Fprintf(b, "%s, boundary %d", x.title, x.number)
	for _, op := range x.flying {
		fmt.Fprintf(b, ", in flight: %s", op)
	}
	fmt.Fprintf(b, "; %s", how)
	for i := range pick {
		fmt.Fprintf(b, "\n  %s", c.Describe(i, pick[i]))
	}
	x.found = violation(v.Name, "%s\n%s", b, v.Text)
}
