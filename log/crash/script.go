package crash

import (
	"fmt"
	"strconv"
	"strings"

	"logd/log"
)

// Script is a small workload: lines of a verb, a group and numbers. A command waits until what it needs is durable; those
// behind it wait for it. n[*m] is a size, repeated.
//
//	create G [CONF]           a group, with a configuration of so many bytes
//	state G TERM VOTE         term and vote
//	append G SIZE...          entries with a batch of so many bytes; 0 is an empty entry, -n a configuration of n bytes
//	cut G BACK SIZE...        the same from BACK entries before the end, as from a leader of a higher term
//	commit G [BACK]           all but the last BACK durable entries are committed
//	flush G [APP]             what is committed goes to segments; its mark has APP bytes
//	trim G OFFSET             the log start wanted, below 0 the end of what is committed; the next flush's mark has it
//	transfer G BATCHES [GAP]  a snapshot's batches, behind a gap in offsets if given
//	install G AHEAD           the snapshot's mark, so many indexes ahead of the log's end
//	fill G SIZE               entries of that size, committed once durable, until the store waits for room; the last isn't durable
//	copy                      what uncommitted entries keep the oldest file is copied out of it, if the store asks for it
//	drop G                    the group ends
//	bury G                    nobody will ask for a dropped group again: its tombstone may go
//	seal                      an empty write group
//	full N [K]                operations N to N+K-1 of the fill lane, from here, find no room, a write of them half way; K is 1
//	failsync N                the sync after N others fails, and the store is opened again
//	space                     there is room again, once it was missing
//	rot G OFFSET              a bit of that batch in segments turns over, and somebody reads it
//	lose G OFFSET             the segment with that batch is gone, at a start
//	forget G INDEX            a bit of that entry's bytes turns over wherever the WAL has them, and the store is opened again
//	stray                     an old block of the WAL is written over a block of the last write group; then the same
//	ruin                      both directories of the last write group but one rot: the store must say that a vote may be lost
//	start                     the store is opened again
//	heal G                    lost entries get their bytes, after others were offered
//	mend G [BATCHES]          lost stretches of segments get their batches, so many at once, after others were offered
//	wait                      until all is durable and both lanes are idle
type Script struct {
	Name    string
	Options log.Options
	Text    string
}

// command is one line of a script.
type command struct {
	line  int
	verb  string
	group uint64
	args  []int
}

// least is the fewest numbers behind a verb's group; -1: it has no group.
var least = map[string]int{"create": 0, "state": 2, "append": 1, "cut": 2, "commit": 0, "flush": 0, "trim": 1, "transfer": 1, "fill": 1,
	"install": 1, "copy": -1, "drop": 0, "bury": 0, "seal": -1, "wait": -1,
	"failsync": -1, "full": -1, "space": -1, "rot": 1, "lose": 1, "forget": 1, "stray": -1, "ruin": -1, "start": -1, "heal": 0, "mend": 0}

// parse reads a script; a mistake in it is a bug of this package, and panics.
func (s *Script) parse() []command {
	var all []command
	for i, line := range strings.Split(s.Text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		c := command{line: i + 1, verb: words[0]}
		for _, w := range words[1:] {
			number, times, repeated := strings.Cut(w, "*")
			n, err := strconv.Atoi(number)
			k := 1
			if err == nil && repeated {
				k, err = strconv.Atoi(times)
			}
			if err != nil {
				panic(fmt.Sprintf("crash: script %s line %d: %q: %v", s.Name, i+1, line, err))
			}
			for range k {
				c.args = append(c.args, n)
			}
		}
		need, known := least[c.verb]
		if !known || len(c.args) < need+1 {
			panic(fmt.Sprintf("crash: script %s line %d: %q", s.Name, i+1, line))
		}
		if need >= 0 {
			c.group, c.args = uint64(c.args[0]), c.args[1:]
		}
		all = append(all, c)
	}
	return all
}
