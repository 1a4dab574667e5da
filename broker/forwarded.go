package broker

import "slices"

// A metadata command that another broker forwarded is proposed once, however often it arrives: envelopes may be doubled and late, and a
// topic's creation that came again behind its deletion would bring it back, a deletion would take the next topic of that name. So the
// leader remembers what it took of each directory's process, and takes nothing that was meant for an earlier process of its own (B12). A
// directory that takes another one's place counts its starts from 1 again.

// forwardedKept is how many numbers of forwards are remembered of each broker; one that is older than all of them is not taken.
const forwardedKept = 256

// forwarded is what was taken of the forwards of one broker's directory.
type forwarded struct {
	from  started  // its latest process
	ids   []uint64 // taken from it last
	floor uint64   // those up to here are forgotten
}

// takes reports whether a forward is new, and remembers it.
func (f *forwarded) takes(from started, id uint64) bool {
	if from != f.from {
		if from.generation < f.from.generation {
			return false
		}
		*f = forwarded{from: from}
	}
	if id <= f.floor || slices.Contains(f.ids, id) {
		return false
	}
	if f.ids = append(f.ids, id); len(f.ids) > forwardedKept {
		f.floor = max(f.floor, f.ids[0])
		f.ids = slices.Delete(f.ids, 0, 1)
	}
	return true
}

// forwardedBy takes a command that another broker forwarded.
func (s *Shard) forwardedBy(from int32, c proposeControl) {
	// What this broker doesn't understand it must not propose: once committed, it would halt every broker of its version.
	if err := CheckCommand(c.Command); err != nil {
		s.log(LevelWarn, "refused to propose what another broker forwarded", "from", from, "error", err.Error())
		return
	}
	if c.to != 0 && c.to != s.cfg.Boot {
		return // meant for an earlier process: it may have been proposed then
	}
	of := generationOf{from, c.incarnation}
	f := s.forwarded[of]
	if f == nil {
		f = &forwarded{}
		s.forwarded[of] = f
	}
	if f.takes(c.from, c.ID) {
		s.send(metaGroup, origin{broker: from, id: c.ID}, metaCall{c.Command})
	}
}
