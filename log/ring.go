package log

import "fmt"

// ring is the WAL's files. A lap is one filling of one file, and its number modulo the number of files is the file's slot:
//
//	        slot 0      slot 1      slot 2      slot 3
//	      ┌───────────┬───────────┬───────────┬───────────┐
//	lap   │ 8 ▓▓▓     │ 5 (free)  │ 6 ▓▓▓▓▓▓▓ │ 7 ▓▓▓▓▓▓▓ │     lap = 8, oldest = tail = 6
//	      └─────▲─────┴───────────┴───────────┴───────────┘
//	            pos
//
// oldest <= tail <= lap < oldest + files. A lap below tail holds nothing that counts, by what was planned; a lap below oldest
// is free, because a synced write group's floor says so (L3).
type ring struct {
	files  []file // by slot
	blocks int    // of each file, header included
	lap    uint64 // being filled
	pos    int    // next block of it; 1 if nothing is in it
	tail   uint64
	oldest uint64
	number uint64 // of the last write group planned (L2)
}

// file is what a lap holds.
type file struct {
	first     uint64 // its first write group
	live      int    // entries that a recovery from what was planned would need
	kept      int    // live ones that nothing staged takes out of the file
	keptBytes int64
}

func (r *ring) file(lap uint64) *file { return &r.files[r.slot(lap)] }
func (r *ring) slot(lap uint64) int   { return int(lap % uint64(len(r.files))) }

// free is the number of files that may be rolled to, when lap is being filled.
func (r *ring) free(lap uint64) int { return len(r.files) - int(lap-r.oldest) - 1 }

// roll begins the next file.
func (r *ring) roll() {
	if r.free(r.lap) < 1 {
		panic(fmt.Sprintf("invariant L3: roll to lap %d while lap %d may still count", r.lap+1, r.oldest))
	}
	r.lap++
	r.pos = 1
	if f := r.file(r.lap); f.live != 0 || f.kept != 0 {
		panic(fmt.Sprintf("invariant L3: roll to slot %d, which holds %d entries", r.slot(r.lap), f.live))
	}
}

// raise moves the tail over the laps that hold nothing any more, and returns the floor to be written.
func (r *ring) raise() uint64 {
	for r.tail < r.lap && r.file(r.tail).live == 0 {
		r.tail++
	}
	return r.file(r.tail).first
}

// keep and unkeep count an entry of g that nothing staged takes out of its lap.
func (r *ring) keep(g *group, index uint64, e *rec) {
	f, h := r.file(e.lap), &g.held[r.slot(e.lap)]
	f.kept++
	f.keptBytes += int64(e.size)
	h.n++
	h.bytes += int64(e.size)
	h.last = max(h.last, index)
}

func (r *ring) unkeep(g *group, e *rec) {
	f, h := r.file(e.lap), &g.held[r.slot(e.lap)]
	f.kept--
	f.keptBytes -= int64(e.size)
	h.n--
	h.bytes -= int64(e.size)
	if h.n == 0 {
		h.last = 0
	}
	if f.kept < 0 || h.n < 0 || f.keptBytes < 0 || h.bytes < 0 {
		panic(fmt.Sprintf("invariant L3: lap %d keeps %d entries, %d of group %d", e.lap, f.kept, h.n, g.id))
	}
}

// die counts entries that no recovery needs any more.
func (r *ring) die(lap uint64, n int) {
	f := r.file(lap)
	f.live -= n
	if f.live < f.kept {
		panic(fmt.Sprintf("invariant L3: lap %d has %d entries and keeps %d", lap, f.live, f.kept))
	}
}
