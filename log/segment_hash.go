package log

// HashIn returns the running batch hash before an offset that a read of segments reaches, computed from what was read; false if the
// bytes aren't sound up to there, or no batch ends there.
func (s *Store) HashIn(group uint64, rd Read, data []byte, offset int64) (uint64, bool) {
	hash, ok := s.HashAt(group, rd.First)
	c := chain{next: rd.First, epoch: anyChain.epoch}
	for ok && c.next < offset {
		b, n, err := ParseBatch(data)
		if err != nil || c.follow(b) != nil || CheckCRC(data[:n]) != nil {
			return 0, false
		}
		hash, data = HashBatch(hash, data[:n]), data[n:]
	}
	return hash, ok && c.next == offset
}
