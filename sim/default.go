package sim

import (
	"time"

	"logd/broker"
	"logd/log"
)

// Default is the world that speed is measured in: three brokers of one shard, and every option in the middle of what [Draw]
// draws from. Clients are active all the time: three appenders on the first of four partitions and one on each other, three
// readers and two that ask for the end, none of which waits longer than a tenth of a second; and a fault strikes each second.
func Default(seed uint64, length time.Duration) Options {
	o := DrawSized(seed, length, Size{Brokers: 3, Shards: 1})
	o.Turn = 20 * time.Microsecond
	o.Store = log.Options{WALFiles: 3, WALFileBytes: 512 << 10, GroupBytes: 32 << 10, SegmentBytes: 64 << 10, IndexBytes: 1024}
	o.Limits = broker.DefaultLimits()
	o.Limits.WindowBytes, o.Limits.FlushBytes, o.Limits.FlushChunk = 64<<10, 16<<10, 16<<10
	o.Limits.AdminWait = adminWait
	o.Limits.ScrubEvery, o.Limits.ScrubBytes, o.Limits.ColdRead = 4*time.Second, 512<<10, 32<<10
	o.Limits.UncommittedBytes = min(32<<10, log.MaxEntry(o.Store)/(1+o.Load.Topics*o.Load.Partitions))
	o.Disk = DiskOptions{Unit: pageSize, Read: 100 * time.Microsecond, Write: 20 * time.Microsecond, Sync: 700 * time.Microsecond}
	o.Net = NetOptions{Delay: 300 * time.Microsecond, Jitter: 300 * time.Microsecond, Drop: 1, Double: 5, Reorder: 10, Split: 100}
	o.Faults.Every, o.Faults.Last, o.Faults.Boot, o.Faults.Length, o.Faults.Forming = time.Second, time.Second, 100, 0, 0
	for k, f := range faultTable {
		if o.Faults.Weight[k] = 0; f.brokers <= o.Brokers {
			o.Faults.Weight[k] = (1 + f.weight) / 2
		}
	}
	o.Load = LoadOptions{Topics: 2, Partitions: 2, Replicas: 3, Appenders: 3, Readers: 3, Tailers: 2, Trimmers: 1, Depth: 2, Think: 85 * time.Millisecond,
		Records: 3, Bytes: 400, Timeout: time.Second, Acks0: 20}
	return o
}
