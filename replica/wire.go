package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	pb "go.etcd.io/raft/v3/raftpb"

	"logd/log"
)

// ErrWire is a raft message that can't be decoded, or whose checksum is wrong.
var ErrWire = errors.New("replica: bad raft message")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A raft message on the wire, little-endian. The head has a checksum of its own and each payload one in its entry's line,
// so that payloads can be aliased on both sides and what is rotten is dropped before it reaches raft (S8).
//
//	crc of the rest of the head u32 | head length u32
//	type u8 | reject u8 | to, from, term, logTerm, index, commit, vote, rejectHint u64
//	context length u32 | context | has snapshot u8 | [snapshot index, term u64, conf length u32, conf, data length u32, data]
//	entries u32 | per entry: type u8, index u64, term u64, length u32, crc u32
//	── payloads, back to back ──
const wireFixed = 4 + 4 + 1 + 1 + 8*8

// known are the message types that may come from another broker; all others are raft's own business inside one node.
var known = []pb.MessageType{pb.MsgApp, pb.MsgAppResp, pb.MsgVote, pb.MsgVoteResp, pb.MsgSnap, pb.MsgHeartbeat,
	pb.MsgHeartbeatResp, pb.MsgTimeoutNow, pb.MsgPreVote, pb.MsgPreVoteResp}

// AppendMessage appends the slices of an encoded message to bufs; payloads are aliased.
func AppendMessage(bufs [][]byte, m *pb.Message) [][]byte {
	le := binary.LittleEndian
	h := make([]byte, 8, wireFixed+64+25*len(m.GetEntries()))
	reject := byte(0)
	if m.GetReject() {
		reject = 1
	}
	h = append(h, byte(m.GetType()), reject)
	for _, v := range [...]uint64{m.GetTo(), m.GetFrom(), m.GetTerm(), m.GetLogTerm(), m.GetIndex(), m.GetCommit(), m.GetVote(), m.GetRejectHint()} {
		h = le.AppendUint64(h, v)
	}
	h = appendBytes(h, m.GetContext())
	h = appendSnapshot(h, m.GetSnapshot())
	h = le.AppendUint32(h, uint32(len(m.GetEntries())))
	for _, e := range m.GetEntries() {
		h = append(h, byte(e.GetType()))
		h = le.AppendUint64(h, e.GetIndex())
		h = le.AppendUint64(h, e.GetTerm())
		h = le.AppendUint32(h, uint32(len(e.Data)))
		h = le.AppendUint32(h, crc32.Checksum(e.Data, castagnoli))
	}
	le.PutUint32(h[4:], uint32(len(h)))
	le.PutUint32(h, crc32.Checksum(h[4:], castagnoli))
	bufs = append(slices.Grow(bufs, 1+len(m.GetEntries())), h)
	for _, e := range m.GetEntries() {
		if len(e.Data) > 0 {
			bufs = append(bufs, e.Data)
		}
	}
	return bufs
}

func appendBytes(h, b []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(h, uint32(len(b))), b...)
}

func appendSnapshot(h []byte, s *pb.Snapshot) []byte {
	if s.GetMetadata().GetIndex() == 0 {
		return append(h, 0)
	}
	h = append(h, 1)
	h = binary.LittleEndian.AppendUint64(h, s.GetMetadata().GetIndex())
	h = binary.LittleEndian.AppendUint64(h, s.GetMetadata().GetTerm())
	h = appendBytes(h, encodeConf(s.GetMetadata().GetConfState()))
	return appendBytes(h, s.GetData())
}

// DecodeMessage reads a message; its payloads alias b. Any error wraps ErrWire.
func DecodeMessage(b []byte) (*pb.Message, error) {
	le := binary.LittleEndian
	if len(b) < wireFixed {
		return nil, fmt.Errorf("%w: %d bytes, a head has at least %d", ErrWire, len(b), wireFixed)
	}
	n := int(le.Uint32(b[4:]))
	if n < wireFixed || n > len(b) {
		return nil, fmt.Errorf("%w: head of %d bytes in a message of %d", ErrWire, n, len(b))
	}
	if got, want := crc32.Checksum(b[4:n], castagnoli), le.Uint32(b); got != want {
		return nil, fmt.Errorf("%w: head checksum is %08x, expected %08x", ErrWire, got, want)
	}
	r := reader{b: b[8:n]}
	s := &received{kind: pb.MessageType(r.u8()), reject: r.u8() == 1}
	m := &s.m
	m.Type, m.Reject = &s.kind, &s.reject
	for i, p := range [...]**uint64{&m.To, &m.From, &m.Term, &m.LogTerm, &m.Index, &m.Commit, &m.Vote, &m.RejectHint} {
		s.numbers[i] = r.u64()
		*p = &s.numbers[i]
	}
	if !slices.Contains(known, m.GetType()) {
		return nil, fmt.Errorf("%w: type %d is none that a peer sends", ErrWire, int32(m.GetType()))
	}
	if m.Context = r.bytes(); len(m.Context) == 0 {
		m.Context = nil
	}
	if err := r.snapshot(m); err != nil {
		return nil, err
	}
	if err := r.entries(m, b[n:]); err != nil {
		return nil, err
	}
	return m, nil
}

// received is a message and what it points to, in one piece.
type received struct {
	m       pb.Message
	kind    pb.MessageType
	reject  bool
	numbers [8]uint64
}

// receivedEntry is an entry and what it points to.
type receivedEntry struct {
	e           pb.Entry
	kind        pb.EntryType
	index, term uint64
}

// reader takes values off a head; short says that it ran out, and everything read after that is zero.
type reader struct {
	b     []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.short, r.b = true, nil
		return nil
	}
	p := r.b[:n:n]
	r.b = r.b[n:]
	return p
}

func (r *reader) u8() byte {
	if p := r.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (r *reader) u32() uint32 {
	if p := r.take(4); p != nil {
		return binary.LittleEndian.Uint32(p)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if p := r.take(8); p != nil {
		return binary.LittleEndian.Uint64(p)
	}
	return 0
}

func (r *reader) bytes() []byte { return r.take(int(r.u32())) }

func (r *reader) snapshot(m *pb.Message) error {
	if r.u8() == 0 {
		return nil
	}
	index, term := r.u64(), r.u64()
	cs, err := decodeConf(r.bytes())
	if err != nil {
		return fmt.Errorf("%w: snapshot at %d: %w", ErrWire, index, err)
	}
	m.Snapshot = &pb.Snapshot{Data: r.bytes(), Metadata: &pb.SnapshotMetadata{ConfState: cs, Index: &index, Term: &term}}
	return nil
}

func (r *reader) entries(m *pb.Message, payload []byte) error {
	n := int(r.u32())
	if r.short || len(r.b) != n*25 {
		return fmt.Errorf("%w: %d bytes for %d entries, expected %d", ErrWire, len(r.b), n, n*25)
	}
	m.Entries = make([]*pb.Entry, n)
	for i := range m.Entries {
		s := &receivedEntry{kind: pb.EntryType(r.u8()), index: r.u64(), term: r.u64()}
		e := &s.e
		e.Type, e.Index, e.Term = &s.kind, &s.index, &s.term
		size, want := int(r.u32()), r.u32()
		if size > len(payload) {
			return fmt.Errorf("%w: entry %d has %d bytes, %d are left", ErrWire, e.GetIndex(), size, len(payload))
		}
		e.Data, payload = payload[:size:size], payload[size:]
		if got := crc32.Checksum(e.Data, castagnoli); got != want {
			return fmt.Errorf("%w: entry %d has checksum %08x, expected %08x", ErrWire, e.GetIndex(), got, want)
		}
		if e.GetType() > pb.EntryConfChangeV2 || e.GetIndex() != m.GetIndex()+1+uint64(i) {
			return fmt.Errorf("%w: entry %d of type %d after index %d", ErrWire, e.GetIndex(), e.GetType(), m.GetIndex()+uint64(i))
		}
		m.Entries[i] = e
	}
	if len(payload) != 0 {
		return fmt.Errorf("%w: %d bytes after the last entry", ErrWire, len(payload))
	}
	return nil
}

// encodeMark is a mark as a snapshot's data: what a follower must come to have, but for the batches themselves. The index,
// term and configuration travel in raft's own fields.
func encodeMark(m log.Mark) []byte {
	le := binary.LittleEndian
	var b []byte
	for _, v := range [...]uint64{uint64(m.LogStart), uint64(m.LogEnd), m.EntryHash, m.BatchHash} {
		b = le.AppendUint64(b, v)
	}
	return append(b, m.App...)
}

// markOf is the mark that a snapshot stands for.
func markOf(s *pb.Snapshot) (log.Mark, error) {
	le, b := binary.LittleEndian, s.GetData()
	if len(b) < 32 {
		return log.Mark{}, fmt.Errorf("%w: snapshot data of %d bytes, at least 32 expected", ErrWire, len(b))
	}
	md := s.GetMetadata()
	return log.Mark{Index: md.GetIndex(), Term: md.GetTerm(), Conf: encodeConf(md.GetConfState()),
		LogStart: int64(le.Uint64(b)), LogEnd: int64(le.Uint64(b[8:])), EntryHash: le.Uint64(b[16:]), BatchHash: le.Uint64(b[24:]),
		App: slices.Clone(b[32:])}, nil
}
