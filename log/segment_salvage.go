package log

import "encoding/binary"

// findLost returns where an interval lies that is lost, because a read of it failed or a batch of it isn't sound, with up to
// maxBytes behind it. The others of its batches may be sound.
func (p *segments) findLost(offset int64, maxBytes int) (Read, bool) {
	s := p.segmentAt(offset)
	if s == nil {
		return Read{}, false
	}
	e := s.index.at(offset - s.base)
	from := int64(s.index[e].pos)
	if sp := p.spanOver(s, from); sp == nil || !sp.indexed {
		return Read{}, false // what isn't indexed was taken apart batch by batch when it was opened
	}
	to := min(s.index.after(e, s.synced)+int64(max(maxBytes, 0)), s.synced)
	return Read{File: p.file(s.base, logSuffix), Off: from, Len: int(to - from), First: s.base + int64(s.index[e].offset)}, to > from
}

// Salvage returns from data, what a [Read] of [Store.FindLost] brought, the batches from the one that begins at an offset to
// the first that isn't whole and sound, of maxBytes together at most, but at least one; they alias data. None if there is no
// such batch. It believes a CRC, which leaves base offsets and leader epochs out: whoever takes them has a hash to compare.
func Salvage(data []byte, from int64, maxBytes int) (batches [][]byte) {
	for pos := 0; pos+BatchHeader <= len(data); pos++ {
		if data[pos+16] != batchMagic || int64(binary.BigEndian.Uint64(data[pos:])) != from {
			continue
		}
		then, size := chain{next: from, epoch: anyChain.epoch}, 0
		for rest := data[pos:]; ; {
			b, n, err := ParseBatch(rest)
			if err != nil || then.follow(b) != nil || CheckCRC(rest[:n]) != nil || size > 0 && size+n > maxBytes {
				break
			}
			batches, rest, size = append(batches, rest[:n:n]), rest[n:], size+n
		}
		if len(batches) > 0 {
			return batches
		}
	}
	return nil
}
