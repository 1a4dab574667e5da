package main

import (
	"fmt"
	"math"
	"syscall"

	"logd/log"
)

const (
	maxShards = 256 // of a broker
	toolConns = 64  // inbound connections to the peers' port that are no broker's
	leastKept = 4   // files that a lane needs at least
	laneFiles = 2 * int(log.Lanes)
	restFiles = 4 // of a shard, but for its lanes' and what it reads: directories
)

// connLimits are how many inbound connections there may be at once, and how many files a lane of a shard keeps open.
type connLimits struct {
	clients int
	peers   int
	files   int
}

// limitConns takes brokers into account as they may be at most: each of the others' shards makes one connection, a broker may
// have another number of shards than this one, and connections of an earlier process of a broker, or of a link that was cut,
// can be here for some time. One that is refused is made again and refused again, so the groups of its shard would never talk.
//
// A quarter of the process's descriptors is left to files, and shared by the shards: running out of them would end the broker at its next
// new segment. Each shard has two lanes, and a file of the WAL may take two descriptors. Brokers have half of the rest at most, which must
// be enough for as many shards as this one has.
func limitConns(brokers, shards, clients, files int) (connLimits, error) {
	room := files / 4 * 3
	most := connLimits{peers: min(2*(brokers-1)*maxShards+toolConns, room/2)}
	if dialed := (brokers - 1) * shards; dialed > most.peers {
		return most, fmt.Errorf("%d other brokers with %d shards each make %d connections to this one, and %d open files (ulimit -n) leave room for %d; raise that limit to %d",
			brokers-1, shards, dialed, files, most.peers, 4*dialed)
	}
	most.files = min(log.MaxOpen, (files/4/shards-readers-restFiles)/laneFiles)
	if least := shards * (readers + restFiles + laneFiles*leastKept); most.files < leastKept {
		return most, fmt.Errorf("%d shards need %d open files at least, and a quarter of %d (ulimit -n) is %d; raise that limit to %d", shards, least, files, files/4, 4*least)
	}
	most.clients = min(clients, max(1, room-most.peers))
	return most, nil
}

// maxFiles is how many descriptors this process may have.
func maxFiles() int {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil || r.Cur > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(r.Cur)
}
