package broker

import "slices"

// What the metadata take: they stand in each mark of group 1, twice, and so at the head of each WAL file of its shard. Beyond what a store keeps
// free for that nothing can be written any more, not even a vote (L11).

// maxCommandBytes bounds one command; the largest sound one, with a placement of each replica of ten thousand partitions, is a tenth of it.
const maxCommandBytes = 1 << 20

// metaRoom is how much of the room for the metadata is taken, at most.
type metaRoom struct {
	term  uint64 // in which it was measured: in others somebody else may have led
	index uint64 // the entry as of which size was
	size  int    // bytes, with all that was proposed since
}

// tooLong refuses a command that is longer than any sound one, or than the log takes (L9).
func (s *Shard) tooLong(cmd []byte) refusal {
	if most := min(maxCommandBytes, s.store.MaxEntry()/2); len(cmd) > most {
		return refuse(errPolicy, "a change of the metadata of %d bytes, at most %d: shorten its names and values, or ask for less at once", len(cmd), most)
	}
	return refusal{}
}

// roomFor refuses what would make the metadata grow beyond three eighths of what all groups' state may take, as they are written twice, or
// than a snapshot may have. What isn't applied yet is counted when it is proposed.
func (s *Shard) roomFor(term uint64, c Command, length int) refusal {
	grows := growth(c, length)
	if grows == 0 {
		return refusal{}
	}
	most := int(min(s.store.Sizes().StateLimit*3/8, MaxEntryBytes))
	if r := &s.metaRoom; r.term != term || r.size+grows > most && r.index != s.meta.Index {
		*r = metaRoom{term, s.meta.Index, len(s.meta.Encode())}
	}
	if s.metaRoom.size+grows > most {
		return refuse(errPolicy, "the cluster's metadata take %d bytes, and %d more would be over their bound of %d, which is a part of --wal-file-bytes, and 16 MiB at most: delete topics, or settings of groups",
			s.metaRoom.size, grows, most)
	}
	s.metaRoom.size += grows
	return refusal{}
}

// placementBytes is what a replica takes in the metadata, at most: two numbers of twenty digits, and what is between them.
const placementBytes = 48

// growth is how much a command can make the metadata grow.
func growth(c Command, length int) int {
	switch c := c.(type) {
	case CreateTopic:
		replicas := int(c.Partitions) * int(c.Replication)
		for _, brokers := range c.Assignment {
			replicas += len(brokers)
		}
		return length + (max(replicas, 0)+c.partitions())*placementBytes
	case AlterTopic:
		return growthOf(c.Changes, length)
	case AlterGroup:
		return growthOf(c.Changes, length)
	}
	return 0
}

func growthOf(changes []ConfigChange, length int) int {
	if slices.ContainsFunc(changes, func(c ConfigChange) bool { return c.Op == configSet || c.Op == configAppend }) {
		return length
	}
	return 0
}
