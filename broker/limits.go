package broker

import (
	"math/rand/v2"
	"time"

	"logd/broker/group"
	"logd/replica"
)

// Limits are all bounds and timeouts of a broker. [DefaultLimits] are what it runs with, [DrawLimits] what the simulator
// draws, so that each bound is met in a simulation.
type Limits struct {
	Tick             time.Duration // raft's clock
	ElectionTicks    int           // an election timeout, at least; raft adds up to as many again
	HeartbeatTicks   int
	TransferTicks    int // a snapshot transfer that asks for nothing for so long has failed: a message of it may be lost, and its follower needed
	HandOverTicks    int // SIGTERM waits so long for leaderships to move and requests to end
	StallElections   int // a wal plan out for so many election timeouts halts the shard (S12)
	WindowBytes      int // memory for recent batches, all groups of a shard together
	FlushBytes       int // a group with so much that no segment has yet is flushed
	FlushChunk       int // most bytes of one group in one flush
	MessageBytes     int // payload of one append message
	InflightMessages int
	InflightBytes    int
	RetentionTicks   int           // each partition's oldest segments are looked at once in so many
	UncommittedBytes int           // of one group
	QueueBytes       int           // of a shard's batches that wait to be proposed; over it, produces and commits of offsets are refused
	EnvelopeBytes    int           // payload of one envelope, about; the rest waits for the next turn
	RangeBytes       int           // of a snapshot transfer's one answer
	Transfers        int           // groups of a shard that catch up by transfers at the same time
	TransferBytes    int           // given to followers that catch up in a tick, about
	FetchBytes       int           // most bytes of one fetch response
	ColdRead         int           // bytes of one read from a segment
	ScanBytes        int           // of work in a turn, about, that looking for timestamps takes: what is inflated, and what is read
	GroupsAnswer     int           // most bytes of groups, about, that one response has
	Repairs          int           // damaged replicas of a shard that are mended at the same time
	ScrubBytes       int           // read by the scrub in a tick, about
	ScrubEvery       time.Duration // between the beginnings of two passes of the scrub
	RequestBytes     int           // of one request but Produce: more is no request that a client makes
	PartialBytes     int           // of unfinished requests on all connections of a shard; over it, connections with large ones wait
	PartialWait      time.Duration // and the first of those is closed if it brings less than a 16th of that in so long
	Sessions         int           // fetch sessions of a shard
	SessionRows      int           // and the partitions that all of them read
	SessionKept      time.Duration // a fetch session isn't put out of its place sooner
	ConnRequests     int           // requests of one connection that are not answered yet
	ConnBytes        int           // and their bytes; over either, its socket isn't read
	ReadIndexWait    time.Duration // a linearizable read that isn't confirmed by then is answered retriably (S13)
	ProduceWait      time.Duration // most of a produce's own timeout
	FetchWait        time.Duration // most of a fetch's own wait; and so long what it asked of a disk may be late
	Producers        int           // idempotent producers that a partition remembers, at most
	ProducerKeep     time.Duration // and for how long after it heard of them last, at least: Kafka's producer.id.expiration.ms
	AdminWait        time.Duration // most of a metadata command's timeout
	GroupWait        time.Duration // a request of a group that waits for no other member is answered by then (offsets.commit.timeout.ms)
	Groups           group.Config
}

// MaxEntryBytes is the most bytes of a batch, and of the metadata, whatever the WAL takes: it travels in one envelope, with up to
// Limits.EnvelopeBytes of others.
const MaxEntryBytes = 16 << 20

// DefaultLimits are a real broker's.
func DefaultLimits() Limits {
	return Limits{
		Tick: 100 * time.Millisecond, ElectionTicks: 10, HeartbeatTicks: 1, TransferTicks: 10, HandOverTicks: 50, StallElections: 10,
		WindowBytes: 64 << 20, FlushBytes: 8 << 20, FlushChunk: 4 << 20, RetentionTicks: 50,
		MessageBytes: 1 << 20, InflightMessages: 256, InflightBytes: 16 << 20, UncommittedBytes: 16 << 20, QueueBytes: 128 << 20,
		EnvelopeBytes: 4 << 20, RangeBytes: 1 << 20, Transfers: 4, TransferBytes: 3 << 20, FetchBytes: 55 << 20, ColdRead: 1 << 20,
		ScanBytes: 4 << 20, GroupsAnswer: 55 << 20, Repairs: 4, ScrubBytes: 2 << 20, ScrubEvery: 24 * time.Hour,
		Sessions: 1000, SessionRows: 200_000, SessionKept: 2 * time.Minute,
		RequestBytes: 4 << 20, PartialBytes: 16 << 20, PartialWait: 10 * time.Second, ConnRequests: 1000, ConnBytes: 32 << 20,
		ReadIndexWait: 2 * time.Second, ProduceWait: 60 * time.Second, FetchWait: 30 * time.Second, AdminWait: 30 * time.Second,
		GroupWait: 5 * time.Second, Groups: group.DefaultConfig(),
		Producers: 1000, ProducerKeep: 24 * time.Hour,
	}
}

// DrawLimits draws limits for a simulation: small ones, so that windows slide, flushes happen and followers fall behind.
func DrawLimits(rng *rand.Rand) Limits {
	l := DefaultLimits()
	l.ElectionTicks = 5 + rng.IntN(10)
	l.TransferTicks = 5 + rng.IntN(11)
	l.WindowBytes = 4 << 10 << rng.IntN(9)
	l.FlushBytes = 1 << 10 << rng.IntN(9)
	l.FlushChunk = 1 << 10 << rng.IntN(9)
	l.RetentionTicks = 1 + rng.IntN(50)
	l.MessageBytes = 256 << rng.IntN(12)
	l.InflightMessages = 2 + rng.IntN(64)
	l.InflightBytes = 4 << 10 << rng.IntN(9)
	l.UncommittedBytes = 16 << 10 << rng.IntN(3)
	l.QueueBytes = 16 << 10 << rng.IntN(8)
	l.EnvelopeBytes = 8 << 10 << rng.IntN(8)
	l.RequestBytes, l.PartialBytes = 4<<10, 4<<10<<rng.IntN(4)
	l.RangeBytes = 2 << 10 << rng.IntN(8)
	l.FetchBytes = 4 << 10 << rng.IntN(8)
	l.ColdRead = 4 << 10 << rng.IntN(6)
	l.ScanBytes = l.ColdRead / 2
	l.Transfers = 1 + rng.IntN(3)
	l.TransferBytes = 64 << 10 << rng.IntN(5) // less couldn't bring a broker's whole log within the bound of a run
	l.Repairs = 1 + rng.IntN(4)
	l.ScrubBytes = 256 << 10 << rng.IntN(4)
	l.ScrubEvery = time.Duration(1+rng.IntN(8)) * time.Second
	l.ConnRequests = 1 + rng.IntN(20)
	l.ConnBytes = 4 << 10 << rng.IntN(10)
	l.ReadIndexWait = time.Duration(200+rng.IntN(3000)) * time.Millisecond
	l.AdminWait = 4 * time.Second // a forwarded command whose answer is lost is kept for so long: a run waits for longer before it looks for leaks
	l.Sessions, l.SessionRows, l.SessionKept = 1+rng.IntN(4), 1+rng.IntN(16), time.Duration(rng.IntN(3000))*time.Millisecond
	l.Producers = 2 + rng.IntN(14)
	l.ProducerKeep = [...]time.Duration{time.Minute, 5 * time.Minute, 24 * time.Hour}[rng.IntN(3)]
	return l
}

// election is the shortest election timeout.
func (l Limits) election() time.Duration { return l.Tick * time.Duration(l.ElectionTicks) }

func (l Limits) group() replica.Limits {
	return replica.Limits{ElectionTicks: l.ElectionTicks, HeartbeatTicks: l.HeartbeatTicks, MessageBytes: uint64(l.MessageBytes),
		InflightMessages: l.InflightMessages, InflightBytes: uint64(l.InflightBytes), UncommittedBytes: uint64(l.UncommittedBytes),
		TransferTicks: l.TransferTicks}
}
