package log

import "fmt"

// rec is what is known in memory of one entry of a group's log.
type rec struct {
	term  uint64
	hash  uint64 // running hash after it (L9)
	seq   Seq    // what staged it
	lap   uint64 // the WAL file's lap that it was planned into, 0 before
	size  uint32 // bytes of Data
	going bool   // a staged mark or copy takes it out of its file: it is in no held
}

// held counts a group's entries that nothing staged takes out of one WAL file.
type held struct {
	n     int
	bytes int64
	last  uint64 // the highest index is at most this
}

// ghost counts entries in a WAL file that a staged append or install cuts; they live until that is planned.
type ghost struct {
	lap uint64
	n   int
}

// group is a raft group's part of the store. "staged" is what was asked for, "planned" what is in write groups, of which the
// last may be out.
type group struct {
	id      uint64
	meta    []byte
	dropped bool // staged
	base    uint64
	recs    []rec // recs[i] is index base+1+i; base is the planned mark's index, or a staged install's

	state, planState State
	mark, planMark   Mark // staged, planned: planMark.Index <= base <= ... mark.Index <= last()
	durMark          Mark // durable, its segments synced
	created          bool // planned
	createdDurable   bool
	dropPlanned      bool
	dropDurable      bool
	swept            bool // what is left of it: the removal of a dropped group's files is durable
	unwanted         bool // its tombstone may go, see [Store.Forget]

	lastSeq     Seq    // of the last thing staged by the caller
	markSeq     Seq    // of the last mark staged
	markAwaited bool   // somebody waits for that one
	stateFrom   Seq    // states staged before this need not be written
	marked      uint64 // entries up to here are going because of a staged mark
	cutAt       uint64 // the lowest index from which on a staged append cuts planned entries, 0 if none does
	ghosts      []ghost
	held        []held // by WAL file
	holes       []Hole // in order of index; base < index <= last()
	fills       []fill // staged, not planned, and not void
	cost        sum    // its share of Store.state

	segs     *segments
	flushing bool   // a flush is queued or out
	flushTo  uint64 // index of that flush's mark
	filling  bool   // an append to segments is out
	trimTo   int64  // the highest log start that a trim was asked for
	trimmed  int64  // the highest that was planned
}

func (g *group) last() uint64 { return g.base + uint64(len(g.recs)) }

// rec returns the entry at index, nil if it isn't there.
func (g *group) rec(index uint64) *rec {
	if index <= g.base || index > g.last() {
		return nil
	}
	return &g.recs[index-g.base-1]
}

// before returns term and running hash of the entry at index, which is the mark's or has a rec.
func (g *group) before(index uint64) (term, hash uint64) {
	if index == g.mark.Index {
		return g.mark.Term, g.mark.EntryHash
	}
	r := g.rec(index)
	if r == nil {
		panic(fmt.Sprintf("invariant L9: group %d has no index %d: log is (%d, %d]", g.id, index, g.base, g.last()))
	}
	return r.term, r.hash
}

// haunt notes that an entry planned into a lap was cut by something staged.
func (g *group) haunt(lap uint64) {
	for i := range g.ghosts {
		if g.ghosts[i].lap == lap {
			g.ghosts[i].n++
			return
		}
	}
	g.ghosts = append(g.ghosts, ghost{lap: lap, n: 1})
}

func segDir(group uint64) string { return fmt.Sprintf("%s/%020d", segRoot, group) }

const segRoot = "seg"
