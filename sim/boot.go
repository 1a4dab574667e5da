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
	dir, err := log.StartDir(disk)
	if errors.Is(err, fs.ErrNotExist) {
		made := log.Dir{Broker: n.id, Incarnation: n.rng.Uint64(), Shards: w.opt.Shards, Options: w.opt.Store}
		if err = log.FormatDir(disk, made); err == nil {
			dir, err = log.StartDir(disk)
		}
	}
	if err == nil && n.aside {
		if dir, err = log.SetAside(disk, dir, n.rng.Uint64()); err == nil {
			n.aside = false
		}
	}
	for err == nil {
		n.startsAs(dir)
		if err = p.openShards(disk, dir); !errors.Is(err, log.ErrVotesLost) || n.rotten == "" {
			return err
		}
		w.faults.note("broker %d sets its directory aside: %v", n.id, err)
		n.found = []string{"set aside: " + err.Error()}
		dir, err = log.SetAside(disk, dir, n.rng.Uint64())
	}
	return err
}

// openShards recovers the stores and makes the shards.
func (p *process) openShards(disk *bootFS, dir log.Dir) error {
	w, n := p.node.w, p.node
	var ids []int32
	for _, other := range w.nodes {
		ids = append(ids, other.id)
	}
	var hosts []*host
	p.dir = dir
	boot := stream(w.opt.Seed, streamShard, uint64(n.id)<<40|p.boot<<8|0xff).Uint64() | 1
	for i := range w.opt.Shards {
		rng := stream(w.opt.Seed, streamShard, uint64(n.id)<<40|p.boot<<8|uint64(i))
		entropy := entropyOf(rng)
		setEntropy(entropy)
		store, rec, err := log.Open(log.Sub(disk, log.ShardDir(i)), dir.Identity(i), w.opt.Store)
		if err != nil {
			return fmt.Errorf("shard %d: %w", i, err)
		}
		p.cut = append(p.cut, rec.Cut != "")
		if rec.Cut != "" {
			w.count[CountTornTails]++
			n.found = append(n.found, rec.Cut)
			n.startsSealed(rec.Cut)
		}
		for _, d := range rec.Damage {
			if !n.scarred {
				return fmt.Errorf("shard %d: found damage where none was done: %v", i, d)
			}
			w.count[CountDamages]++
			n.found = append(n.found, d.String())
			w.faults.note("broker %d, shard %d: %v", n.id, i, d)
		}
		for _, g := range rec.Groups {
			for _, d := range g.SegmentDamage {
				if !n.scarred {
					return fmt.Errorf("shard %d: found damage where none was done: %s", i, d)
				}
				n.found = append(n.found, d)
			}
		}
		cfg := broker.Config{Broker: n.id, Incarnation: dir.Incarnation, Generation: dir.Generation, Boot: boot, Shard: i, Shards: w.opt.Shards, Brokers: ids, Joins: dir.Joins, Spoke: dir.Spoken(), Forgets: dir.Forgets,
			Host: fmt.Sprintf("broker-%d", n.id), Port: 9092, Rack: rackName(w.rackOf(n.index)), Limits: n.limits,
			Topics: broker.TopicDefaults{Partitions: 1, Replication: -1, MaxMessageBytes: 1 << 20, OffsetsPartitions: offsetsPartitions}}
		s, err := broker.New(cfg, store, rec, rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64())))
		if err != nil {
			return err
		}
		hosts = append(hosts, newHost(p, i, s, rng, entropy))
	}
	p.hosts, p.name = hosts, boot
	return nil
}
