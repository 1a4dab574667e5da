package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"logd/broker"
	"logd/log"
)

// storyOptions is a small world on a quiet network: what is told happens, and little else.
func storyOptions() Options {
	o := Options{
		Seed: 1, Length: 0, Brokers: 3, Shards: 1, Turn: 20 * time.Microsecond,
		Store:  log.Options{WALFiles: 3, WALFileBytes: 256 << 10, GroupBytes: 16 << 10, SegmentBytes: 16 << 10, IndexBytes: 1024},
		Limits: broker.DefaultLimits(),
		Disk:   DiskOptions{Unit: sectorSize, Read: 100 * time.Microsecond, Write: 20 * time.Microsecond, Sync: time.Millisecond},
		Net:    NetOptions{Delay: 200 * time.Microsecond},
		Load:   LoadOptions{Topics: 1, Partitions: 1, Replicas: 3, Depth: 1, Think: 10 * time.Millisecond, Records: 1, Bytes: 100, Timeout: time.Second},
	}
	o.Limits.WindowBytes, o.Limits.FlushBytes, o.Limits.FlushChunk = 16<<10, 4<<10, 4<<10
	o.Limits.UncommittedBytes, o.Limits.MessageBytes = 16<<10, 8<<10
	o.Limits.AdminWait = adminWait
	o.Limits.ScrubEvery = 3 * time.Second
	return o
}

// setOption changes one option: name=value. The name is an option's own (options_text.go), or one of those below.
func (o *Options) setOption(word string) error {
	name, value, ok := strings.Cut(word, "=")
	if !ok {
		return fmt.Errorf("%q isn't name=value", word)
	}
	if name == "network" {
		return o.setNetwork(value)
	}
	if at, ok := o.find(name); ok {
		return at.set(value)
	}
	n, err := number(value)
	if err != nil {
		return err
	}
	switch name {
	case "seed":
		o.Seed = uint64(n)
	case "brokers":
		o.Brokers, o.Load.Replicas = int(n), min(3, int(n))
	case "shards":
		o.Shards = int(n)
	case "partitions":
		o.Load.Partitions = int(n)
	case "replicas":
		o.Load.Replicas = int(n)
	case "topics":
		o.Load.Topics = min(int(n), len(topicNames))
	case "wal-files":
		o.Store.WALFiles = int(n)
	case "wal-file":
		o.Store.WALFileBytes = n
	case "segment":
		o.Store.SegmentBytes = n
	case "index":
		o.Store.IndexBytes = int(n)
	case "retention":
		o.Load.Retention = n
	case "window":
		o.Limits.WindowBytes = int(n)
	case "flush":
		o.Limits.FlushBytes, o.Limits.FlushChunk = int(n), int(n)
	case "scrub": // milliseconds
		o.Limits.ScrubEvery = time.Duration(n) * time.Millisecond
	case "unit":
		o.Disk.Unit = int(n)
	default:
		return fmt.Errorf("no option %q", name)
	}
	return nil
}

// setNetwork makes the network quiet, which it is, or as bad as a seed draws it.
func (o *Options) setNetwork(value string) error {
	switch value {
	case "quiet":
	case "noisy":
		o.Net = drawNet(stream(o.Seed, streamOptions, 1))
	default:
		return fmt.Errorf("network is quiet or noisy")
	}
	return nil
}

// number reads a count, or bytes with K or M.
func number(s string) (int64, error) {
	unit := int64(1)
	switch {
	case strings.HasSuffix(s, "K"):
		unit, s = 1<<10, s[:len(s)-1]
	case strings.HasSuffix(s, "M"):
		unit, s = 1<<20, s[:len(s)-1]
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is no number", s)
	}
	return n * unit, nil
}
