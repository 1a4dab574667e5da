package log

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// A record batch, version 2 (KIP-98), as it is on the wire and on disk, big endian. The CRC is CRC-32C over everything from
// the attributes on: so a leader stamps base offset and epoch without touching what the producer checksummed, and so these
// two need other protection (continuity here, running hashes in the WAL).
//
//	 0        8        12       16      17       21      23             27           35           43
//	┌────────┬────────┬────────┬───────┬────────┬───────┬──────────────┬────────────┬────────────┬──
//	│ base   │ length │ leader │ magic │ crc32c │ attri │ last offset  │ first      │ max        │
//	│ offset │ of the │ epoch  │ = 2   │ from   │ butes │ delta        │ timestamp  │ timestamp  │ ...
//	│        │ rest   │        │       │ 21 on  │       │              │            │            │
//	└────────┴────────┴────────┴───────┴────────┴───────┴──────────────┴────────────┴────────────┴──
//	  43            51         53         57           61
//	──┬────────────┬──────────┬──────────┬────────────┬─────────
//	  │ producer   │ producer │ base     │ number of  │ records, maybe
//	  │ id         │ epoch    │ sequence │ records    │ compressed
//	──┴────────────┴──────────┴──────────┴────────────┴─────────
//
// On disk, don't change.
const (
	BatchHeader = 61 // bytes before the records

	batchLengthEnd = 12 // the length field counts from here
	batchCRCFrom   = 21
	batchMagic     = 2
)

var (
	// ErrDamaged is wrapped by every error that says that stored bytes are not what was stored.
	ErrDamaged = errors.New("damaged")
	// ErrShortBatch is wrapped when a batch goes on past the end of the bytes given.
	ErrShortBatch = errors.New("record batch is cut short")
	// ErrBadBatch is wrapped when bytes are no record batch of version 2, or fail its checksum.
	ErrBadBatch = errors.New("bad record batch")
)

// castagnoli is the polynomial of CRC-32C; the table is constant.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Batch is the header of a record batch. Field names are Kafka's.
type Batch struct {
	BaseOffset      int64
	Length          int32 // bytes after the length field
	LeaderEpoch     int32
	Magic           int8
	CRC             uint32
	Attributes      int16
	LastOffsetDelta int32 // 0 <= LastOffsetDelta
	FirstTimestamp  int64 // ms
	MaxTimestamp    int64 // ms
	ProducerID      int64
	ProducerEpoch   int16
	BaseSequence    int32
	NumRecords      int32 // 0 <= NumRecords <= LastOffsetDelta+1; less after compaction
}

// NextOffset is the offset after the batch's last one.
func (b Batch) NextOffset() int64 { return b.BaseOffset + int64(b.LastOffsetDelta) + 1 }

// ParseBatch reads the header of the batch at the head of b, and returns it and the batch's whole size in bytes. It doesn't
// look at the records, nor at the CRC. The error wraps [ErrShortBatch] if b ends too early (the size is 0 if even that is
// not in b), else [ErrBadBatch].
func ParseBatch(b []byte) (Batch, int, error) {
	h, size, err := parseBatchHead(b)
	if err == nil && len(b) < size {
		err = fmt.Errorf("%w: have %d of its %d bytes", ErrShortBatch, len(b), size)
	}
	return h, size, err
}

// parseBatchHead is [ParseBatch] of which b may have the header alone.
func parseBatchHead(b []byte) (Batch, int, error) {
	if len(b) < batchCRCFrom {
		return Batch{}, 0, fmt.Errorf("%w: have %d bytes of a %d byte header", ErrShortBatch, len(b), BatchHeader)
	}
	h := Batch{
		BaseOffset:  int64(binary.BigEndian.Uint64(b)),
		Length:      int32(binary.BigEndian.Uint32(b[8:])),
		LeaderEpoch: int32(binary.BigEndian.Uint32(b[12:])),
		Magic:       int8(b[16]),
		CRC:         binary.BigEndian.Uint32(b[17:]),
	}
	if h.Magic != batchMagic {
		return h, 0, fmt.Errorf("%w: magic is %d, expected %d", ErrBadBatch, h.Magic, batchMagic)
	}
	if h.Length < BatchHeader-batchLengthEnd || h.Length > math.MaxInt32-batchLengthEnd {
		return h, 0, fmt.Errorf("%w: length is %d, expected at least %d", ErrBadBatch, h.Length, BatchHeader-batchLengthEnd)
	}
	size := int(h.Length) + batchLengthEnd
	if len(b) < BatchHeader {
		return h, size, fmt.Errorf("%w: have %d of its %d bytes", ErrShortBatch, len(b), size)
	}
	h.Attributes = int16(binary.BigEndian.Uint16(b[21:]))
	h.LastOffsetDelta = int32(binary.BigEndian.Uint32(b[23:]))
	h.FirstTimestamp = int64(binary.BigEndian.Uint64(b[27:]))
	h.MaxTimestamp = int64(binary.BigEndian.Uint64(b[35:]))
	h.ProducerID = int64(binary.BigEndian.Uint64(b[43:]))
	h.ProducerEpoch = int16(binary.BigEndian.Uint16(b[51:]))
	h.BaseSequence = int32(binary.BigEndian.Uint32(b[53:]))
	h.NumRecords = int32(binary.BigEndian.Uint32(b[57:]))
	switch last := int64(h.LastOffsetDelta); {
	case last < 0:
		return h, size, fmt.Errorf("%w: last offset delta is %d", ErrBadBatch, last)
	case h.BaseOffset < 0 || h.BaseOffset > math.MaxInt64-last-1:
		return h, size, fmt.Errorf("%w: base offset is %d with last offset delta %d", ErrBadBatch, h.BaseOffset, last)
	case h.NumRecords < 0 || int64(h.NumRecords) > last+1:
		return h, size, fmt.Errorf("%w: %d records with last offset delta %d", ErrBadBatch, h.NumRecords, last)
	}
	return h, size, nil
}

// CheckCRC compares the checksum of exactly one whole batch with the one in its header; the error wraps [ErrBadBatch].
func CheckCRC(b []byte) error {
	if len(b) < BatchHeader {
		return fmt.Errorf("%w: have %d bytes of a %d byte header", ErrShortBatch, len(b), BatchHeader)
	}
	want, got := binary.BigEndian.Uint32(b[17:]), crc32.Checksum(b[batchCRCFrom:], castagnoli)
	if got != want {
		return fmt.Errorf("%w: crc is %08x, its header says %08x", ErrBadBatch, got, want)
	}
	return nil
}

// Stamp writes the base offset and the leader epoch into a batch; both lie outside of its CRC.
func Stamp(b []byte, base int64, epoch int32) {
	binary.BigEndian.PutUint64(b, uint64(base))
	binary.BigEndian.PutUint32(b[12:], uint32(epoch))
}
