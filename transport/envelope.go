package transport

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
)

// Header names both ends of an envelope. Envelopes may be lost, doubled and reordered, so each names everything (S7).
type Header struct {
	Cluster       [16]byte // zero before the sender's cluster was formed
	From          int32    // the sending broker,
	Incarnation   uint64   // its data directory,
	Shard         uint16   // its shard
	Boot          uint64   // its process,
	Generation    uint64   // and how often the directory was started: an older copy of it has a lower one (S7)
	To            int32    // the broker meant,
	ToIncarnation uint64   // and its data directory, 0 if not known
}

// Msg is one message to be sent. What Bufs hold, in order, is its body; it is aliased by the envelope, not copied.
type Msg struct {
	Kind  uint8
	Group uint64
	Bufs  [][]byte
}

// Received is one message that came. Body aliases the frame.
type Received struct {
	Kind  uint8
	Group uint64
	Body  []byte
}

// The format of an envelope, all integers big-endian. On the wire between versions of logd: don't change, add a version.
//
//	┌ 0 ──────┬ 4 ─────┬ 8 ──────┬ 10 ───┬ 12 ───────────┐
//	│ length  │ "LGDe" │ version │ shard │ cluster, 16   │
//	├ 28 ─────┼ 32 ────┴──────┬ 40 ─────┬ 48 ──┬ 52 ──────┴───────┬ 60 ──────────────┐
//	│ from    │ incarnation   │ boot    │ to   │ to incarnation   │ generation, 8     │
//	├ 68 ─────┴───┬ 72 ───────┼ 76 ─────┴──────┴──────────────────┴───────────────────┘
//	│ messages    │ crc       │
//	├ 76 ─────────┼ +1 ───────┼ +4 ────────────┬ +8 ────────────┐
//	│ kind        │ 0, 3 bytes│ body length    │ group, 8 bytes │   so many times
//	├─────────────┴───────────┴────────────────┴────────────────┤
//	│ bodies, back to back                                      │
//	└───────────────────────────────────────────────────────────┘
//
// length counts what follows it; crc is CRC-32C over everything from the magic to the last message head, but itself. Bodies
// carry their own checks.
const (
	envelopeMagic   = "LGDe"
	envelopeVersion = 2
	envelopeHead    = 72 // without the length field
	crcAt           = 68
	messageHead     = 16
)

// EmptyEnvelope is the length of an envelope without messages, in bytes, its length field included.
const EmptyEnvelope = lenBytes + envelopeHead

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendEnvelope appends the slices of one envelope to bufs. All bodies together must stay under [MaxFrame] less the heads (T6).
func AppendEnvelope(bufs [][]byte, h Header, msgs []Msg) [][]byte {
	head := make([]byte, 0, lenBytes+envelopeHead+messageHead*len(msgs))
	head = append(head, 0, 0, 0, 0)
	head = append(head, envelopeMagic...)
	head = binary.BigEndian.AppendUint16(head, envelopeVersion)
	head = binary.BigEndian.AppendUint16(head, h.Shard)
	head = append(head, h.Cluster[:]...)
	head = binary.BigEndian.AppendUint32(head, uint32(h.From))
	head = binary.BigEndian.AppendUint64(head, h.Incarnation)
	head = binary.BigEndian.AppendUint64(head, h.Boot)
	head = binary.BigEndian.AppendUint32(head, uint32(h.To))
	head = binary.BigEndian.AppendUint64(head, h.ToIncarnation)
	head = binary.BigEndian.AppendUint64(head, h.Generation)
	head = binary.BigEndian.AppendUint32(head, uint32(len(msgs)))
	head = append(head, 0, 0, 0, 0)
	at, slices := len(bufs), 1
	for i := range msgs {
		slices += len(msgs[i].Bufs)
	}
	if bufs == nil {
		bufs = make([][]byte, 0, slices)
	}
	bufs = append(bufs, nil)
	total := envelopeHead + messageHead*len(msgs)
	for i := range msgs {
		size := 0
		for _, b := range msgs[i].Bufs {
			size += len(b)
			bufs = append(bufs, b)
		}
		total += size
		head = append(head, msgs[i].Kind, 0, 0, 0)
		head = binary.BigEndian.AppendUint32(head, uint32(min(size, math.MaxUint32)))
		head = binary.BigEndian.AppendUint64(head, msgs[i].Group)
	}
	if total > MaxFrame {
		panic(fmt.Sprintf("invariant T6: an envelope of %d bytes with %d messages, %d are allowed", total, len(msgs), MaxFrame))
	}
	binary.BigEndian.PutUint32(head, uint32(total))
	binary.BigEndian.PutUint32(head[lenBytes+crcAt:], headCRC(head[lenBytes:]))
	bufs[at] = head
	return bufs
}

// ParseEnvelope decodes a frame (without its length field). Errors wrap [ErrMalformed].
func ParseEnvelope(frame []byte) (Header, []Received, error) {
	if len(frame) < envelopeHead {
		return Header{}, nil, fmt.Errorf("%w envelope: a frame of %d bytes, the head alone has %d", ErrMalformed, len(frame), envelopeHead)
	}
	if string(frame[:4]) != envelopeMagic {
		return Header{}, nil, fmt.Errorf("%w envelope: it begins with %q, not with %q", ErrMalformed, frame[:4], envelopeMagic)
	}
	if v := binary.BigEndian.Uint16(frame[4:]); v != envelopeVersion {
		return Header{}, nil, fmt.Errorf("%w envelope: format version %d, this broker knows %d", ErrMalformed, v, envelopeVersion)
	}
	h := Header{
		Shard:         binary.BigEndian.Uint16(frame[6:]),
		Cluster:       [16]byte(frame[8:]),
		From:          int32(binary.BigEndian.Uint32(frame[24:])),
		Incarnation:   binary.BigEndian.Uint64(frame[28:]),
		Boot:          binary.BigEndian.Uint64(frame[36:]),
		To:            int32(binary.BigEndian.Uint32(frame[44:])),
		ToIncarnation: binary.BigEndian.Uint64(frame[48:]),
		Generation:    binary.BigEndian.Uint64(frame[56:]),
	}
	n := int(binary.BigEndian.Uint32(frame[64:]))
	if n > (len(frame)-envelopeHead)/messageHead {
		return Header{}, nil, fmt.Errorf("%w envelope: %d messages in a frame of %d bytes", ErrMalformed, n, len(frame))
	}
	heads := frame[:envelopeHead+n*messageHead]
	if want, got := binary.BigEndian.Uint32(frame[crcAt:]), headCRC(heads); want != got {
		return Header{}, nil, fmt.Errorf("%w envelope: its head has CRC %08x, %08x was sent", ErrMalformed, got, want)
	}
	msgs, err := parseMessages(heads[envelopeHead:], frame[len(heads):])
	return h, msgs, err
}

// CheckBegun tells as soon as an envelope's heads are here whether they are those of one of that length (T7); known is false before. A
// stream whose length field was wrong would else be waited for, and all that follows be taken for its bodies. Errors wrap [ErrMalformed].
func CheckBegun(begun []byte, want int) (known bool, err error) {
	if len(begun) < envelopeHead || binary.BigEndian.Uint16(begun[4:]) != envelopeVersion {
		return false, nil // of another version: whoever has it whole says so
	}
	n := int64(binary.BigEndian.Uint32(begun[64:]))
	heads := envelopeHead + n*messageHead
	if heads > int64(want) {
		return true, fmt.Errorf("%w envelope: %d messages in a frame of %d bytes", ErrMalformed, n, want)
	}
	if int64(len(begun)) < heads {
		return false, nil
	}
	if is, got := binary.BigEndian.Uint32(begun[crcAt:]), headCRC(begun[:heads]); is != got {
		return true, fmt.Errorf("%w envelope: its head has CRC %08x, %08x was sent", ErrMalformed, got, is)
	}
	total := heads
	for at := int64(envelopeHead); at < heads; at += messageHead {
		total += int64(binary.BigEndian.Uint32(begun[at+4:]))
	}
	if total != int64(want) {
		return true, fmt.Errorf("%w envelope: its length is said to be %d, and its heads are of one of %d bytes", ErrMalformed, want, total)
	}
	return true, nil
}

// ParseHello decodes the first bytes of a peer's connection, an empty envelope with its length field, and says who is there.
// There must be [EmptyEnvelope] bytes. Errors wrap [ErrMalformed].
func ParseHello(b []byte) (Header, error) {
	if n := binary.BigEndian.Uint32(b); n != envelopeHead {
		return Header{}, fmt.Errorf("%w hello: its length is %d, not %d", ErrMalformed, n, envelopeHead)
	}
	h, _, err := ParseEnvelope(b[lenBytes:EmptyEnvelope])
	return h, err
}

// parseMessages cuts the bodies, which must fill the frame exactly (T5).
func parseMessages(heads, bodies []byte) ([]Received, error) {
	msgs := make([]Received, 0, len(heads)/messageHead)
	for ; len(heads) > 0; heads = heads[messageHead:] {
		size := int(binary.BigEndian.Uint32(heads[4:]))
		if heads[1]|heads[2]|heads[3] != 0 {
			return nil, fmt.Errorf("%w envelope: message %d has %x where zeros belong", ErrMalformed, len(msgs), heads[1:4])
		}
		if size > len(bodies) {
			return nil, fmt.Errorf("%w envelope: message %d has %d bytes, and %d are left", ErrMalformed, len(msgs), size, len(bodies))
		}
		msgs = append(msgs, Received{Kind: heads[0], Group: binary.BigEndian.Uint64(heads[8:]), Body: bodies[:size:size]})
		bodies = bodies[size:]
	}
	if len(bodies) > 0 {
		return nil, fmt.Errorf("%w envelope: %d bytes after the last of %d messages", ErrMalformed, len(bodies), len(msgs))
	}
	return msgs, nil
}

// headCRC covers the head and the message heads, but the CRC's own four bytes.
func headCRC(heads []byte) uint32 {
	crc := crc32.Update(0, castagnoli, heads[:crcAt])
	return crc32.Update(crc, castagnoli, heads[crcAt+4:])
}
