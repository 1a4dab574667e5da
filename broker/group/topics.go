package group

import (
	"hash"
	"hash/fnv"
	"time"
)

// Topics is what the broker knows of topics, as of one version of its metadata; it never changes.
type Topics interface {
	// Version grows when a topic comes, goes or gets partitions.
	Version() int64

	// Topic returns a topic's id and number of partitions.
	Topic(name string) (id [16]byte, partitions int32, ok bool)

	// Name returns the name of the topic with an id.
	Name(id [16]byte) (name string, ok bool)

	// Names are those of all topics, sorted.
	Names() []string

	// Session and Heartbeat are what a consumer group was given instead of the broker's settings; 0 is nothing.
	Session(group string) time.Duration
	Heartbeat(group string) time.Duration
}

// noTopics is what a machine knows before it was told.
type noTopics struct{}

func (noTopics) Version() int64                       { return 0 }
func (noTopics) Topic(string) ([16]byte, int32, bool) { return [16]byte{}, 0, false }
func (noTopics) Name([16]byte) (string, bool)         { return "", false }
func (noTopics) Names() []string                      { return nil }
func (noTopics) Session(string) time.Duration         { return 0 }
func (noTopics) Heartbeat(string) time.Duration       { return 0 }

// topicHash is FNV-1a over names, ids and numbers of partitions, each ended so that no two lists run together.
type topicHash struct{ h hash.Hash64 }

func newHash() topicHash { return topicHash{fnv.New64a()} }

func (h topicHash) add(name string, id [16]byte, partitions int32) {
	h.h.Write([]byte(name))
	h.h.Write([]byte{0})
	h.h.Write(id[:])
	h.h.Write([]byte{byte(partitions >> 24), byte(partitions >> 16), byte(partitions >> 8), byte(partitions)})
}

// sum is never 0, which a record stands for by leaving it out.
func (h topicHash) sum() int64 { return int64(h.h.Sum64() | 1) }
