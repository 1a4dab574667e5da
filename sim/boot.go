package sim

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"

	"logd/broker"
	"logd/log"
)

// open does what cmd/logd does before the first turn: open or format the directory, recover each shard's store, make the
// shards.
func (p *process) open(disk *bootFS) error {
	w, n := p.node.w, p.node
	dir, err := log.OpenDir(disk)
	if errors.Is(err, fs.ErrNotExist) {
		dir = log.Dir{Broker: n.id, Incarnation: n.rng.Uint64(), Shards: w.opt.Shards, Options: w.opt.Store}
		err = log.FormatDir(disk, dir)
	}
	if err != nil {
		return err
	}
	var ids []int32
	for _, other := range w.nodes {
		ids = append(ids, other.id)
	}
	for i := range w.opt.Shards {
		rng := stream(w.opt.Seed, streamShard, uint64(n.id)<<40|p.boot<<8|uint64(i))
		entropy := entropyOf(rng)
		setEntropy(entropy)
		store, rec, err := log.Open(log.Sub(disk, log.ShardDir(i)), dir.Identity(i), w.opt.Store)
		if err != nil {
			return fmt.Errorf("shard %d: %w", i, err)
		}
		if rec.Cut != "" {
			w.count[CountTornTails]++
			n.found = append(n.found, rec.Cut)
		}
		cfg := broker.Config{Broker: n.id, Incarnation: dir.Incarnation, Boot: rng.Uint64(), Shard: i, Shards: w.opt.Shards, Brokers: ids,
			Host: fmt.Sprintf("broker-%d", n.id), Port: 9092, Limits: w.opt.Limits,
			Topics: broker.TopicDefaults{Partitions: 1, Replication: -1, MaxMessageBytes: 1 << 20}}
		s, err := broker.New(cfg, store, rec, rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64())))
		if err != nil {
			return err
		}
		p.hosts = append(p.hosts, newHost(p, i, s, rng, entropy))
	}
	return nil
}
