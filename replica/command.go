package replica

import (
	"encoding/binary"
	"fmt"

	pb "go.etcd.io/raft/v3/raftpb"

	"logd/log"
)

// A command of the partition is an entry too short to be a batch. It takes no offsets (R6) and changes what all replicas must
// agree on, at its place in the log:
//
//	┌──────────┬─────────────────────────┐
//	│ kind  u8 │ offset  u64, big-endian │   kind 1: the log starts at offset, or at the log end before it if that is less
//	└──────────┴─────────────────────────┘
//	┌──────────┬─────────────────────────┬─────────────────────────┐
//	│ kind  u8 │ elapsed u64, big-endian │ before  u64, big-endian │   kind 2: so many ms have passed; producers that were last seen
//	└──────────┴─────────────────────────┴─────────────────────────┘   before a time of their table's clock are forgotten
//
// On disk, don't change. What is no such command is ignored, with a note, by each replica alike: once committed it can't be
// refused any more, and halting on it would halt them all for good. A command takes no offset and touches no batch, so what was
// ignored costs no record; a later program must not propose a kind before every broker knows it. So kind 2 is proposed only where
// there are producers, and those are served only once every broker understands metadata commands of version 3 (B11).
const (
	commandTrim  = 1
	commandPass  = 2
	trimBytes    = 9
	commandLimit = log.BatchHeader // commands are shorter
)

func trimCommand(offset int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{commandTrim}, uint64(offset))
}

// isBatch tells an entry that carries a record batch from a no-op, a blanked, a command and a configuration entry (R6).
func isBatch(e *pb.Entry) bool { return e.GetType() == pb.EntryNormal && len(e.Data) >= commandLimit }

// isCommand tells an entry that carries a command of the partition.
func isCommand(e *pb.Entry) bool {
	return e.GetType() == pb.EntryNormal && len(e.Data) > 0 && len(e.Data) < commandLimit
}

// trimOf returns the log start that a command asks for; false if it is none that we know.
func trimOf(e *pb.Entry) (int64, bool) {
	if len(e.Data) != trimBytes || e.Data[0] != commandTrim {
		return 0, false
	}
	offset := int64(binary.BigEndian.Uint64(e.Data[1:]))
	return offset, offset >= 0
}

// Trim proposes that the log starts at an offset: once it is applied, [Group.LogStart] is at least that, or the log end at the
// command's place if that is less. Nothing is proposed where the log as it is to be starts there already. As with
// [Group.Propose], Collect comes before the next proposal; an error means that nothing has happened: ErrNotLeader, ErrDropped.
func (g *Group) Trim(term uint64, offset int64) error {
	switch {
	case g.cfg.Plain || offset < 0:
		return fmt.Errorf("group %d: trim to offset %d: only a partition's log has offsets, from 0 on", g.cfg.Group, offset)
	case !g.leader || g.term != term:
		return fmt.Errorf("%w: group %d is at term %d", ErrNotLeader, g.cfg.Group, g.term)
	case offset <= g.win.startAt(g.win.last()):
		return nil
	}
	return g.propose([]*pb.Entry{{Data: trimCommand(offset)}})
}

// command follows an applied command: the window knows the log start that it leads to.
func (g *Group) command(e *pb.Entry, out *Out) {
	if _, _, ok := passOf(e); ok {
		return
	}
	if _, ok := trimOf(e); !ok {
		out.Notes = append(out.Notes, fmt.Sprintf("group %d: committed entry %d of term %d is a command of kind %d and %d bytes, which this program doesn't know: ignored",
			g.cfg.Group, e.GetIndex(), e.GetTerm(), e.Data[0], len(e.Data)))
		return
	}
	out.Trimmed = true
}

// LogStart returns the first offset that is kept, as far as is known to be committed here. A batch that it lies in is kept
// whole. What is below it may still be there, and is given to nobody but a follower whose transfer began before.
func (g *Group) LogStart() int64 {
	return max(g.win.startAt(g.applied), min(g.floor, g.HighWatermark()))
}

// trim lets go of what lies below the durable log start, but for what a follower is being sent.
func (g *Group) trim() {
	_, start := g.store.FlushedTo(g.cfg.Group)
	for _, id := range sortedKeys(g.snaps) {
		start = min(start, g.snaps[id].start)
	}
	if start > g.trimmed {
		g.trimmed = start
		g.store.Trim(g.cfg.Group, start)
	}
}
