package replica

import (
	"encoding/binary"
	"hash/crc32"
	"testing"

	pb "go.etcd.io/raft/v3/raftpb"
	"pgregory.net/rapid"

	"logd/log"
	"logd/replica/producer"
)

// idempotent is a batch of one record of a producer, stamped.
func idempotent(id int64, sequence int32, offset int64) []byte {
	b := testBatch(1)
	binary.BigEndian.PutUint64(b[43:], uint64(id))
	binary.BigEndian.PutUint16(b[51:], 0)
	binary.BigEndian.PutUint32(b[53:], uint32(sequence))
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], castagnoli))
	log.Stamp(b, offset, 1)
	return b
}

// What a leader goes by are the producers of its whole log, also where raft has cut a part of it off and put another in its place
// (S9); and a mark at any index has those of that index (R15).
func TestTipIsCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		applied := producer.NewTable()
		w := &window{tip: producer.NewTable(), done: func() (*producer.Table, uint64) { return applied, 0 }}
		for term := range rapid.Uint64Range(1, 6).Draw(t, "terms") {
			if w.last() > 0 && rapid.Bool().Draw(t, "cut") {
				w.truncate(rapid.Uint64Range(1, w.last()).Draw(t, "at"))
			}
			for range rapid.IntRange(0, 8).Draw(t, "entries") {
				e := &pb.Entry{Index: new(w.last() + 1), Term: new(term + 1), Type: pb.EntryNormal.Enum()}
				switch rapid.IntRange(0, 5).Draw(t, "kind") {
				case 0: // a leader's first
				case 1:
					e.Data = passCommand(rapid.Uint64Range(0, 9).Draw(t, "elapsed"), rapid.Uint64Range(0, 30).Draw(t, "before"))
				case 2:
					e.Data = trimCommand(rapid.Int64Range(0, 20).Draw(t, "start"))
				default:
					e.Data = idempotent(rapid.Int64Range(0, 2).Draw(t, "id"), rapid.Int32Range(0, 3).Draw(t, "sequence"), w.logEnd())
				}
				w.append([]*pb.Entry{e})
			}
			want := producer.NewTable()
			for i := uint64(1); i <= w.last(); i++ {
				follow(want, w.at(i).e)
			}
			if w.tip.Hash() != want.Hash() || w.tip.Len() != want.Len() {
				t.Fatalf("%d producers of hash %x, the log up to index %d has %d of %x", w.tip.Len(), w.tip.Hash(), w.last(), want.Len(), want.Hash())
			}
		}
	})
}
