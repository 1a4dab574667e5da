package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	pb "go.etcd.io/raft/v3/raftpb"
)

// ErrConf is a configuration that can't be decoded.
var ErrConf = errors.New("replica: bad configuration")

// Broker returns the broker that a replica id names: ids are broker<<32 | a number never used twice (S7).
func Broker(replica uint64) int32 { return int32(replica >> 32) }

// ID returns the replica id of a broker and a number drawn once from the metadata group.
func ID(broker int32, number uint32) uint64 { return uint64(uint32(broker))<<32 | uint64(number) }

// Voters returns the encoded configuration of a new group.
func Voters(ids ...uint64) []byte {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return encodeConf(&pb.ConfState{Voters: ids})
}

// encodeConf writes a configuration: four lists of replica ids (voters, learners, outgoing voters, next learners), each
// with its length, and whether a joint configuration is left by itself. On disk, don't change.
func encodeConf(cs *pb.ConfState) []byte {
	var b []byte
	for _, ids := range [][]uint64{cs.Voters, cs.Learners, cs.VotersOutgoing, cs.LearnersNext} {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(ids)))
		for _, id := range ids {
			b = binary.LittleEndian.AppendUint64(b, id)
		}
	}
	if cs.GetAutoLeave() {
		return append(b, 1)
	}
	return append(b, 0)
}

func decodeConf(b []byte) (*pb.ConfState, error) {
	cs := &pb.ConfState{}
	for _, ids := range []*[]uint64{&cs.Voters, &cs.Learners, &cs.VotersOutgoing, &cs.LearnersNext} {
		if len(b) < 4 || uint64(len(b)-4) < 8*uint64(binary.LittleEndian.Uint32(b)) {
			return nil, fmt.Errorf("%w: %d bytes left where a list should be", ErrConf, len(b))
		}
		n := int(binary.LittleEndian.Uint32(b))
		b = b[4:]
		for range n {
			*ids = append(*ids, binary.LittleEndian.Uint64(b))
			b = b[8:]
		}
	}
	if len(b) != 1 {
		return nil, fmt.Errorf("%w: %d bytes at the end, expected 1", ErrConf, len(b))
	}
	cs.AutoLeave = new(b[0] == 1)
	return cs, nil
}

// Conf is a group's configuration, by replica ids, each list sorted.
type Conf struct {
	Voters   []uint64
	Learners []uint64
	Joint    bool // in transition between two sets of voters
	// Quorums are the sets of voters of which each needs a majority: one, or two while Joint.
	Quorums [][]uint64
}

// Has reports whether a replica is a voter or a learner.
func (c Conf) Has(id uint64) bool {
	return slices.Contains(c.Voters, id) || slices.Contains(c.Learners, id)
}

func confOf(cs *pb.ConfState) Conf {
	c := Conf{Voters: slices.Clone(cs.Voters), Learners: slices.Clone(cs.Learners), Joint: len(cs.VotersOutgoing) > 0,
		Quorums: [][]uint64{slices.Clone(cs.Voters)}}
	if c.Joint {
		c.Quorums = append(c.Quorums, slices.Clone(cs.VotersOutgoing))
	}
	for _, id := range cs.VotersOutgoing {
		if !slices.Contains(c.Voters, id) {
			c.Voters = append(c.Voters, id)
		}
	}
	slices.Sort(c.Voters)
	slices.Sort(c.Learners)
	return c
}

// confAt is the configuration from an index on.
type confAt struct {
	index uint64
	conf  *pb.ConfState
}
