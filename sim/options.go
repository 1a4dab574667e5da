package sim

import (
	"math/rand/v2"
	"time"

	"logd/broker"
	"logd/broker/group"
	"logd/log"
)

// Options are all that a world is made from; a seed draws them (swarm: which faults exist, and how strong).
type Options struct {
	Seed    uint64
	Length  time.Duration // of the safety phase, under faults
	Brokers int
	Shards  int // of each broker
	Turn    time.Duration
	Store   log.Options
	Limits  broker.Limits
	Disk    DiskOptions
	Net     NetOptions
	Faults  FaultOptions
	Load    LoadOptions
	Budget  bool // of a story: the budget of faults is kept as in a drawn run, and what can't be done is passed over
}

// NetOptions is how the links behave while no fault is on.
type NetOptions struct {
	Delay   time.Duration // least, one way
	Jitter  time.Duration // added at random
	Drop    int           // per mille of envelopes lost
	Double  int           // per mille of envelopes delivered twice
	Reorder int           // per mille of envelopes overtaken
	Split   int           // per mille of client deliveries cut in their midst
}

// FaultOptions is what goes wrong, and how often.
type FaultOptions struct {
	Every   time.Duration // mean time between faults
	Last    time.Duration // mean time that one lasts
	Boot    int           // per mille of starts that are killed before they end
	Length  int           // per mille of flipped bits that are of an envelope's length field
	Forming int           // processes that end while the cluster forms and its first topics are made
	Weight  [faultKinds]int
}

// LoadOptions is what clients do.
type LoadOptions struct {
	Topics     int
	Partitions int // of each topic
	Replicas   int // of each partition
	Appenders  int // that share the first partition; each other has one
	Readers    int
	Tailers    int
	Surveyors  int           // that ask how topics are laid out, and what lies in directories
	Trimmers   int           // that read and delete what they have read
	Members    int           // of consumer groups, three in each
	Modern     int           // of these, every Modern-th speaks the new protocol (KIP-848); 0: none
	Retention  int64         // bytes that the last topic keeps of each partition; 0: all
	Depth      int           // most operations a client has in flight
	Think      time.Duration // mean pause of an appender
	Records    int           // most records of one batch
	Bytes      int           // most bytes of a value
	Timeout    time.Duration
	Acks0      int // per mille of appends that ask for no answer
	Late       int // per mille of appends that arrive long after their producer gave up
	Racks      int // that brokers stand in, in turn; 0: none is said
	Sharers    int // appenders that serve all partitions but the first in turn; 0: each has one of its own
	Producers  int // clients that are idempotent producers
	Restarts   int // per mille of their turns in which one restarts, or raises its epoch
	Burst      int // per mille of appends that begin a burst: a row of them with hardly a pause between

	Switching     int           // per mille of the consumers that leave or crash that come back by the other protocol (KIP-848's online migration); 0: groups keep theirs
	Fleeting      int           // topics that are made, used, deleted and made again
	Lives         time.Duration // mean time between what is done to one
	Few           int           // per mille of those made that get any number of replicas
	FleetingKeeps int64         // bytes that half of them keep of each partition; 0: all
}

// Size is what of a seed's draw is fixed by whoever asks for it; 0 leaves it to the seed.
type Size struct{ Brokers, Shards int }

// MaxBrokers and MaxShards bound what may be asked for.
const (
	MaxBrokers = 7
	MaxShards  = 4
)

// Draw returns the options of a seed. The safety phase lasts length.
func Draw(seed uint64, length time.Duration) Options { return DrawSized(seed, length, Size{}) }

// DrawSized is Draw with a cluster of a given size.
func DrawSized(seed uint64, length time.Duration, fixed Size) Options {
	rng := stream(seed, streamOptions, 0)
	o := Options{
		Seed: seed, Length: length, Brokers: pick(rng, 1, 3, 3, 3, 3, 3, 5, 5), Shards: 1 + rng.IntN(3), Turn: micros(rng, 2, 60),
		Store: drawStore(rng), Limits: broker.DrawLimits(rng), Disk: drawDisk(rng), Net: drawNet(rng), Faults: drawFaults(rng), Load: drawLoad(rng),
	}
	if fixed.Brokers > 0 {
		o.Brokers = fixed.Brokers
	}
	if fixed.Shards > 0 {
		o.Shards = fixed.Shards
	}
	drawMore(stream(seed, streamOptions, 2), &o)
	o.Faults.Length = pick(stream(seed, streamOptions, 3), 0, 100, 300)
	o.Faults.Forming = pick(stream(seed, streamOptions, 5), 0, 0, 1, 3, 8)
	if o.Load.Replicas = min(3, o.Brokers); o.Brokers > 3 && rng.IntN(2) == 0 {
		o.Load.Replicas = o.Brokers
	}
	for k, f := range faultTable {
		if o.Brokers < f.brokers {
			o.Faults.Weight[k] = 0
		}
	}
	of := stream(seed, streamGroups, 0)
	o.Load.Members, o.Limits.Groups = pick(of, 0, 0, 0, 3, 4, 6), group.DrawConfig(of)
	o.Load.Modern = pick(of, 0, 1, 2)
	o.Load.Switching = pick(of, 0, 0, 0, 300, 800)
	o.Load.Surveyors = pick(stream(seed, streamOptions, 4), 0, 1)
	drawFleeting(stream(seed, streamFleeting, 0), &o.Load)
	// What may be uncommitted of all groups together must fit the WAL (S10), and one batch what may be uncommitted of its group.
	o.Limits.UncommittedBytes = min(o.Limits.UncommittedBytes, log.MaxEntry(o.Store)/o.raftGroups())
	o.Load.Bytes = min(o.Load.Bytes, max(1, o.Limits.UncommittedBytes/2/o.Load.Records-40))
	return o
}

// drawMore draws what only some seeds have.
func drawMore(rng *rand.Rand, o *Options) {
	o.Load.Late = pick(rng, 0, 0, 5, 20)
	if rng.IntN(12) == 0 {
		o.Load.Partitions = 6 + rng.IntN(7)
	}
	if rng.IntN(16) == 0 {
		o.Load.Partitions, o.Load.Sharers = 16+rng.IntN(17), 6+rng.IntN(7)
		o.Store.WALFileBytes = max(o.Store.WALFileBytes, 1<<20) // what each group may leave uncommitted is a share of it
	}
	if rng.IntN(3) == 0 {
		o.Faults.Weight[faultWriteError] = 1 + rng.IntN(faultTable[faultWriteError].weight)
	}
}

// drawFleeting draws the topics that come and go, and returns how many groups they may have at a time: a broker that hasn't heard of
// a deletion has those of two lives.
func drawFleeting(rng *rand.Rand, l *LoadOptions) {
	l.Fleeting = pick(rng, 0, 0, 0, 1, 2, 3)
	lives, few, keeps := micros(rng, 400_000, 6_000_000), pick(rng, 0, 0, 300), int64(pick(rng, 0, 0, 16, 64))<<10
	if l.Fleeting > 0 {
		l.Lives, l.Few, l.FleetingKeeps = lives, few, keeps
	}
}

// raftGroups is how many raft groups there may be at once: those of the metadata, of all partitions, and of fleeting topics that are made
// again while some broker still has what was there before.
func (o *Options) raftGroups() int {
	n := 1 + o.Load.Topics*o.Load.Partitions + 2*fleetingParts*o.Load.Fleeting
	if o.Load.Members > 0 {
		n += offsetsPartitions
	}
	return n
}

func drawStore(rng *rand.Rand) log.Options {
	return log.Options{
		WALFiles: 2 + rng.IntN(3), WALFileBytes: int64(pick(rng, 256, 384, 512, 1024)) << 10, GroupBytes: pick(rng, 16, 32, 48) << 10,
		SegmentBytes: int64(pick(rng, 16, 64, 256)) << 10, IndexBytes: pick(rng, 256, 1024, 4096),
	}
}

func drawDisk(rng *rand.Rand) DiskOptions {
	return DiskOptions{
		Unit: pick(rng, sectorSize, pageSize), Read: micros(rng, 20, 500), Write: micros(rng, 5, 100), Sync: micros(rng, 100, 5000),
		Stall: pick(rng, 0, 0, 1, 3),
	}
}

func drawNet(rng *rand.Rand) NetOptions {
	return NetOptions{
		Delay: micros(rng, 50, 2000), Jitter: micros(rng, 20, 5000), Drop: pick(rng, 0, 0, 1, 10, 40), Double: pick(rng, 0, 5, 20),
		Reorder: pick(rng, 0, 10, 100), Split: pick(rng, 0, 100, 500),
	}
}

func drawFaults(rng *rand.Rand) FaultOptions {
	o := FaultOptions{Every: micros(rng, 600_000, 2_000_000), Last: micros(rng, 400_000, 2_500_000), Boot: pick(rng, 0, 100, 300)}
	for k, f := range faultTable {
		if k == faultWriteError {
			continue // drawMore
		}
		if exists := f.always || rng.IntN(3) > 0; exists {
			o.Weight[k] = 1 + rng.IntN(f.weight)
		}
	}
	return o
}

func drawLoad(rng *rand.Rand) LoadOptions {
	o := LoadOptions{
		Topics: 2, Partitions: pick(rng, 1, 2, 2, 2, 4), Appenders: pick(rng, 2, 3, 3, 5), Readers: 3, Tailers: 2, Depth: 1 + rng.IntN(4), Think: micros(rng, 30_000, 240_000),
		Records: pick(rng, 1, 1, 3, 8, 40), Bytes: pick(rng, 11, 100, 400, 2000, 6000), Timeout: micros(rng, 500_000, 2_000_000), Acks0: pick(rng, 0, 0, 20, 100), Burst: pick(rng, 0, 0, 10, 30),
	}
	o.Trimmers, o.Retention = pick(rng, 0, 1), int64(pick(rng, 0, 0, 32, 128))<<10
	o.Racks = pick(rng, 0, 2, 2, 3)
	o.Producers, o.Restarts = pick(rng, 0, 1, 2, 3), pick(rng, 0, 3, 10)
	return o
}

func pick[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }

// micros draws a duration whose logarithm is spread evenly between least and most microseconds.
func micros(rng *rand.Rand, least, most int64) time.Duration {
	for hi := least; ; hi *= 2 {
		if hi*2 > most || rng.IntN(3) == 0 {
			return time.Duration(hi+rng.Int64N(min(hi, most-hi)+1)) * time.Microsecond
		}
	}
}
