package group

import "math"

// PartitionFor is the partition of __consumer_offsets that a group belongs to, as in Kafka
// (GroupCoordinatorService.partitionFor): Java's String.hashCode, which goes by UTF-16, its absolute value, modulo.
func PartitionFor(group string, partitions int32) int32 {
	h := int32(0)
	for _, r := range group {
		if r >= 0x10000 {
			r -= 0x10000
			h = 31*h + (0xd800 + r>>10)
			r = 0xdc00 + r&0x3ff
		}
		h = 31*h + r
	}
	switch {
	case h == math.MinInt32:
		h = 0
	case h < 0:
		h = -h
	}
	return h % partitions
}
