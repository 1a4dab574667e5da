package log

import (
	"errors"
	"fmt"
	"math"
)

// chain is what the next batch of a segment must follow from (L10).
type chain struct {
	next  int64 // its base offset; -1 if nothing is known of it
	epoch int32 // its leader epoch, which is raft's term, is at least this
}

// anyChain expects nothing.
var anyChain = chain{next: -1, epoch: math.MinInt32}

// follow takes one more batch, or says why it is not the next one.
func (c *chain) follow(b Batch) error {
	if c.next >= 0 && b.BaseOffset != c.next {
		return fmt.Errorf("%w: base offset is %d, expected %d", ErrBadBatch, b.BaseOffset, c.next)
	}
	if b.LeaderEpoch < c.epoch {
		return fmt.Errorf("%w: leader epoch at offset %d is %d, expected at least %d", ErrBadBatch, b.BaseOffset, b.LeaderEpoch, c.epoch)
	}
	c.next, c.epoch = b.NextOffset(), b.LeaderEpoch
	return nil
}

// Cut cuts the answer to this read as [CutBatches] does, and checks that it begins with the batch that the index names.
func (r Read) Cut(data []byte, from int64, maxBytes int, atLeastOne bool) ([]byte, int64, error) {
	if b, _, err := ParseBatch(data); err == nil && b.BaseOffset != r.First {
		return nil, from, fmt.Errorf("%w: %s byte %d: batch has base offset %d, its index says %d", ErrDamaged, r.File, r.Off, b.BaseOffset, r.First)
	}
	return CutBatches(data, from, maxBytes, atLeastOne)
}

// CutBatches cuts out of data, which is the whole answer to a [Read] that was found for offset from, the batches that a
// consumer gets: whole ones, from the one that contains from, of maxBytes together at most; if atLeastOne then the first
// whatever its size (KIP-74). It returns them, aliasing data, and the offset after the last (from if there are none).
//
// Each batch returned has a good CRC and follows from the one before it, the batches skipped included. If one doesn't,
// nothing is returned but an error that wraps [ErrDamaged] (G3). What the bytes can't show is a base offset changed in the
// only batch of data, a leader epoch changed to one that would be possible, and that a batch behind the first was changed to
// look longer than data: the answer then ends before it. [Store.Cut] tells the first two by the index.
func CutBatches(data []byte, from int64, maxBytes int, atLeastOne bool) ([]byte, int64, error) {
	c := anyChain
	begin, end, next := -1, -1, from // of what is served; -1 before the first
	for pos := 0; pos < len(data); {
		b, size, err := ParseBatch(data[pos:])
		if errors.Is(err, ErrShortBatch) && begin >= 0 {
			break // the read ended here
		}
		if err == nil {
			err = c.follow(b)
		}
		if err != nil {
			return nil, from, fmt.Errorf("%w: byte %d of a read for offset %d: %w", ErrDamaged, pos, from, err)
		}
		if b.NextOffset() <= from {
			pos += size
			continue
		}
		first := begin < 0
		if first {
			begin, end = pos, pos
			if b.BaseOffset > from {
				return nil, from, fmt.Errorf("%w: byte %d of a read for offset %d: the batch begins at offset %d", ErrDamaged, pos, from, b.BaseOffset)
			}
		}
		if pos+size-begin > maxBytes && !(first && atLeastOne) {
			return data[begin:end:end], next, nil
		}
		if err := CheckCRC(data[pos : pos+size]); err != nil {
			return nil, from, fmt.Errorf("%w: byte %d of a read for offset %d, batch at %d: %w", ErrDamaged, pos, from, b.BaseOffset, err)
		}
		pos += size
		end, next = pos, b.NextOffset()
	}
	if begin < 0 {
		return nil, from, fmt.Errorf("%w: a read of %d bytes ends at offset %d, expected one with offset %d in it", ErrDamaged, len(data), c.next, from)
	}
	return data[begin:end:end], next, nil
}
