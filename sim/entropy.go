package sim

import (
	crypto "crypto/rand"
	"encoding/binary"
	"io"
	"math/rand/v2"
)

// Every draw of a world comes from a stream of its own purpose, so that one more draw here moves nothing there.
const (
	streamOptions uint64 = iota + 1
	streamNet
	streamNemesis
	streamWorld
	streamDisk   // + broker
	streamClient // + number
	streamShard  // + broker, boot, shard
	streamAct    // of the act's own seed
	streamWeather
	streamGroups
	streamFleeting
	streamSettle // + client
	streamForming
)

// stream returns the seed's stream for a purpose.
func stream(seed, purpose, number uint64) *rand.Rand {
	return rand.New(rand.NewPCG(mix64(seed^purpose<<32), mix64(purpose^number<<8)))
}

// entropyOf returns what etcd raft draws election timeouts from in one shard of one process.
func entropyOf(rng *rand.Rand) io.Reader {
	var key [32]byte
	for i := 0; i < len(key); i += 8 {
		binary.LittleEndian.PutUint64(key[i:], rng.Uint64())
	}
	return rand.NewChaCha8(key)
}

// setEntropy points raft's process-wide reader at r until the next call (S14), and returns what it was.
func setEntropy(r io.Reader) io.Reader {
	before := crypto.Reader
	crypto.Reader = r
	return before
}
