package sim

import (
	"testing"
	"time"

	"logd/log"
)

// stormy runs a world until the middle of its storm.
func stormy(t *testing.T, seed uint64) *World {
	opt := DrawSized(seed, time.Minute, Size{Brokers: 3})
	opt.Limits.FlushBytes, opt.Limits.FlushChunk = 4<<10, 4<<10
	w := newWorld(opt, Env{})
	w.faults.stopped = true
	before := setEntropy(nil)
	defer setEntropy(before)
	w.start()
	for w.now < 8*time.Second && w.violation == nil {
		w.step()
	}
	if w.violation != nil {
		t.Fatal(w.violation)
	}
	return w
}

// Every committed batch is found on every broker's disk that holds it: what aims at a WAL or a segment knows their formats.
func TestMapsFindEveryBatch(t *testing.T) {
	w := stormy(t, 3)
	for _, g := range w.views.groups {
		if g.part < 0 {
			continue
		}
		for _, n := range w.nodes {
			have := map[int64]int64{}
			for _, s := range n.disk.segmentsOf(g.id) {
				have[s.base] = s.next
			}
			for shard := range w.opt.Shards {
				for _, wg := range n.disk.walOf(shard) {
					for _, r := range wg.records {
						if r.group == g.id && r.offset >= 0 {
							have[r.offset] = r.next
						}
					}
				}
			}
			stable := min(g.replicas[n.index].highWatermark, g.end)
			at := int64(0)
			for base, next := range have { // order: one batch at most holds an offset
				if start := g.replicas[n.index].logStart; base <= start && start < next {
					at = base
				}
			}
			for have[at] > at {
				at = have[at]
			}
			if at < stable || stable == 0 {
				t.Errorf("%s on broker %d: found the batches before offset %d, it holds those before %d", g.name, n.id, at, stable)
			}
		}
	}
}

// Damage of all brokers at once leaves a good copy of each batch: no two lose the same, and none loses more than was said.
func TestRotAllLeavesACopy(t *testing.T) {
	inWAL, inSegments := 0, 0
	for seed := range uint64(6) {
		w := stormy(t, seed)
		lost := map[key]bool{}
		owner := map[key]int32{}
		for _, n := range w.nodes {
			sound := map[key]bool{}
			for _, g := range w.views.groups {
				for _, s := range n.disk.segmentsOf(g.id) {
					sound[key{group: g.id, number: s.base}] = true
				}
			}
			chosen := w.faults.choose(n, lost)
			said := map[key]bool{}
			for _, p := range chosen {
				for _, k := range p.loses {
					said[k] = true
					if was := owner[k]; was != 0 && was != n.id {
						t.Errorf("seed %d: brokers %d and %d both lose %v", seed, was, n.id, k)
					}
					owner[k] = n.id
				}
				p.bad = false
				must(t, n.disk.Flip(p.file, p.at, usualBit))
				if p.file[len(p.file)-4:] == ".wal" {
					inWAL++
				} else {
					inSegments++
				}
			}
			for _, g := range w.views.groups {
				for _, s := range n.disk.segmentsOf(g.id) {
					if k := (key{group: g.id, number: s.base}); s.err != nil && sound[k] && !said[k] {
						t.Errorf("seed %d: broker %d loses %v, and nobody said so: %v", seed, n.id, k, s.err)
					}
				}
			}
		}
	}
	if inWAL < 3 || inSegments < 3 {
		t.Fatalf("%d places in WALs and %d in segments were hit", inWAL, inSegments)
	}
}

// What a start finds lost of the entries was said to be lost by what was chosen, though a WAL is read by blocks and hit by sectors.
func TestChosenIsAllThatIsLost(t *testing.T) {
	holes, bad := 0, 0
	for seed := range uint64(5) {
		w := stormy(t, seed)
		for _, n := range w.nodes {
			keys := keysInWAL(w, n.disk)
			n.kill(false)
			said := map[key]bool{}
			for range 4 {
				for _, p := range w.faults.choose(n, said) {
					if p.bad {
						bad++
						must(t, n.disk.Bad(p.file, p.at))
					} else {
						must(t, n.disk.Flip(p.file, p.at, usualBit))
					}
				}
			}
			for k := range recoveredHoles(t, w, n, keys) { // order: each by itself
				if holes++; !said[k] {
					t.Errorf("seed %d: broker %d has lost %v, and nobody said so", seed, n.id, k)
				}
			}
		}
	}
	if holes < 8 || bad < 8 {
		t.Fatalf("%d entries were lost, %d places were made bad", holes, bad)
	}
}

// keysInWAL is what entries of a disk's WALs are called, by group and index.
func keysInWAL(w *World, d *Disk) map[[2]uint64]key {
	keys := map[[2]uint64]key{}
	for shard := range w.opt.Shards {
		for _, g := range d.walOf(shard) {
			for _, r := range g.records {
				if r.kind != walEntry && r.kind != walCopy { // states and marks have an index, too
					continue
				}
				k := key{group: r.group, index: true, number: int64(r.index)}
				if r.offset >= 0 {
					k = key{group: r.group, number: r.offset}
				}
				keys[[2]uint64{r.group, r.index}] = k
			}
		}
	}
	return keys
}

// recoveredHoles opens a broker's stores and returns the entries that they have lost.
func recoveredHoles(t *testing.T, w *World, n *node, keys map[[2]uint64]key) map[key]bool {
	lost := map[key]bool{}
	disk := &bootFS{d: n.disk}
	dir, err := log.OpenDir(disk)
	must(t, err)
	for i := range w.opt.Shards {
		_, rec, err := log.Open(log.Sub(disk, log.ShardDir(i)), dir.Identity(i), w.opt.Store)
		must(t, err)
		for _, g := range rec.Groups {
			for _, h := range g.Holes {
				lost[keys[[2]uint64{g.ID, h.Index}]] = true
			}
		}
	}
	return lost
}
