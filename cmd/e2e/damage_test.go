package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	damageCases = flag.Int("damage-cases", 20, "damages that TestDamage does")
	damageSeed  = flag.Uint64("damage-seed", 0, "what TestDamage draws from; 0: it draws that too")
)

const (
	// damagesAtOnce is how many of them there are at most between a broker's stop and its start.
	damagesAtOnce = 5
	// damagesCompared is after how many damages all brokers are stopped and compared.
	damagesCompared   = 60
	damagedPartitions = 4
)

// damageTest is a cluster whose brokers are stopped, damaged and started, one after the other.
type damageTest struct {
	t      *testing.T
	c      *cluster
	rng    *rand.Rand
	load   *bulk
	groups []uint64
	all    []*hurt
	aside  int
}

// On real files: bits are flipped, files cut short and deleted, sectors zeroed and blocks exchanged in a stopped broker's directory,
// several at once, in whatever it has; it is started again in the live cluster, and becomes whole again while records come in. Of one
// broker at a time: the other two are sound. Now and then all are stopped, and every acknowledged record is in every broker's own files,
// byte for byte (G1, S3-S7).
//
//	go test ./cmd/e2e -run TestDamage -v -damage-cases 300 -timeout 1h
func TestDamage(t *testing.T) {
	t.Parallel()
	d := startDamage(t)
	d.load.pace.Store(int64(50 * time.Millisecond))
	for last := 0; len(d.all) < *damageCases; {
		d.round(min(1+d.rng.IntN(damagesAtOnce), *damageCases-len(d.all)))
		if t.Failed() {
			t.FailNow()
		}
		if len(d.all)-last >= damagesCompared {
			d.compare()
			last = len(d.all)
		}
	}
	d.load.finish()
	d.compare()
	d.table()
}

// startDamage starts a cluster and a producer, and waits for something to damage.
func startDamage(t *testing.T) *damageTest {
	t.Helper()
	seed := *damageSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-damage-seed %d", seed)
	d := &damageTest{t: t, rng: rand.New(rand.NewPCG(seed, 0))}
	t.Cleanup(func() {
		if t.Failed() { // once more, where it is seen
			t.Logf("FAILED: -test.run '^%s$' -damage-seed %d -damage-cases %d, after %d damages, the last of them:\n%s", t.Name(), seed, *damageCases, len(d.all), d.latest())
		}
	})
	d.c = startCluster(t, smallDisk...)
	segmentBytes := "1048576"
	d.c.createTopicWith(t, "orders", damagedPartitions, map[string]*string{"segment.bytes": &segmentBytes})
	d.groups = d.c.nodes[0].groupsOf(t, "orders", damagedPartitions)
	d.load = startBulk(t, d.c, "orders", damagedPartitions)
	await(t, "closed segments", func() (bool, string) {
		for _, n := range d.c.nodes {
			if closed := n.closedSegments(t); len(closed) < 2*damagedPartitions {
				return false, fmt.Sprintf("broker %d: %d", n.id, len(closed))
			}
		}
		return true, ""
	})
	return d
}

// latest lists the damages done last, one a line.
func (d *damageTest) latest() string {
	var b strings.Builder
	for _, h := range d.all[max(0, len(d.all)-3*damagesAtOnce):] {
		fmt.Fprintf(&b, "\t%s\n", h)
	}
	return b.String()
}

// All three brokers have lost something, each of other partitions, so that of everything there are two sound copies: all give, and all
// take. None of them is whole enough to be asked first.
func TestDamageEverywhere(t *testing.T) {
	t.Parallel()
	d := startDamage(t)
	d.load.finish()
	for _, n := range d.c.nodes {
		n.proc.signal(syscall.SIGKILL)
	}
	for i, n := range d.c.nodes {
		n.proc.exit(t)
		v := newVandal(t, d.rng, n.data)
		v.keep(func(file string) bool {
			return slices.ContainsFunc(d.groups, func(group uint64) bool {
				return group%brokers == uint64(i) && strings.Contains(file, fmt.Sprintf("/%020d/", group))
			})
		})
		var hurts []*hurt
		for range damagesAtOnce {
			hurts = append(hurts, v.hurt())
			t.Logf("broker %d: %s", n.id, hurts[len(hurts)-1])
		}
		if d.all = append(d.all, hurts...); d.foresee(n, hurts) {
			t.Errorf("broker %d: a vote may be lost, by damages to segments alone", n.id)
		}
	}
	d.c.startAndServe(t, d.c.nodes...)
	if r, code := d.c.scrub(t, d.c.nodes...); code != 0 || !r.Clean {
		t.Fatalf("exit %d, %+v", code, r)
	}
	d.compare()
	d.table()
}

// round damages one broker.
func (d *damageTest) round(n int) {
	t, victim := d.t, d.c.nodes[d.rng.IntN(brokers)]
	d.c.awaitInSync(t, victim)
	if d.rng.IntN(2) == 0 {
		victim.kill(t)
	} else {
		victim.stop(t)
	}
	d.load.progress(1 + d.rng.IntN(20)) // it misses something
	v := newVandal(t, d.rng, victim.data)
	var hurts []*hurt
	for range n {
		h := v.hurt()
		t.Logf("broker %d: %s", victim.id, h)
		hurts = append(hurts, h)
	}
	d.all = append(d.all, hurts...)
	lost := d.foresee(victim, hurts)
	start := time.Now()
	d.c.startAndServe(t, victim)
	if r, code := d.c.scrub(t, victim); code != 0 || !r.Clean {
		t.Fatalf("broker %d is not whole again after %v: exit %d, %+v", victim.id, hurts, code, r)
	}
	for _, n := range d.c.nodes { // nobody may be hurt while another isn't in sync again
		d.c.awaitInSync(t, n)
	}
	t.Logf("broker %d is whole and in sync %s after its start", victim.id, time.Since(start).Round(time.Millisecond))
	d.load.progress(20)
	aside, err := filepath.Glob(filepath.Join(victim.data, "aside-*"))
	switch {
	case err != nil || lost && len(aside) == 0:
		t.Errorf("broker %d: inspect says that a vote may be lost, and nothing was set aside: %v\n%s", victim.id, err, tail(victim.log, 40))
	case !lost && len(aside) > 0:
		// Zeros where the last write group was, and zeros before it: as after a loss of power in the midst of writing it. The leaders know
		// better: they were told that it was there.
		if !strings.Contains(readAll(victim.log), "this directory must not be used any more") {
			t.Errorf("broker %d was set aside, and nobody says why\n%s", victim.id, tail(victim.log, 40))
		}
		for _, h := range hurts {
			if h.target == "WAL" {
				h.fates = []string{"told by peers"}
			}
		}
	}
	for _, dir := range aside { // as an operator does who needs it no more
		d.aside++
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	}
}

// prospect is what of logd inspect's JSON is looked at.
type prospect struct {
	Whole    bool
	Problems []string
	Shards   []struct {
		Lost   string
		Damage []struct{ File, Fate string }
		Groups []struct {
			Group    uint64
			Segments []struct {
				Base   int64
				Index  string
				Damage []struct{ File string }
			}
			Missing []struct{ From, To int64 }
		}
	}
}

// foresee has logd inspect say what became of each damage, and whether a vote may be lost.
func (d *damageTest) foresee(n *node, hurts []*hurt) (lost bool) {
	out, err := exec.Command(command(d.t, "logd"), "inspect", "--json", "--deep", n.data).Output()
	var p prospect
	if jerr := json.Unmarshal(out, &p); jerr != nil {
		d.t.Fatalf("logd inspect: %v, %v\n%s", err, jerr, out)
	}
	s := &p.Shards[0]
	for _, h := range hurts {
		fates := map[string]bool{}
		switch h.target {
		case "logd.meta":
			if len(p.Problems) > 0 {
				fates["healed"] = true
			}
		case "WAL":
			for _, w := range s.Damage {
				if strings.HasSuffix(h.file, w.File) {
					fates[w.Fate] = true
				}
			}
			if s.Lost != "" {
				fates["aside"] = true
			}
		default:
			for _, g := range s.Groups {
				if !strings.Contains(h.file, fmt.Sprintf("/%020d/", g.Group)) {
					continue
				}
				for _, is := range g.Segments {
					switch mine := strings.Contains(h.file, fmt.Sprintf("/%020d.", is.Base)); {
					case mine && h.target == "segment" && len(is.Damage) > 0:
						fates["hole"] = true
					case mine && h.target == "index" && is.Index != "good":
						fates["healed"] = true
					}
				}
				if h.target == "segment" && h.kind == deleteFile && len(g.Missing) > 0 {
					fates["hole"] = true
				}
			}
			if s.Lost != "" {
				fates["aside"] = true
			}
		}
		if len(fates) == 0 {
			fates["nothing lost"] = true
		}
		for fate := range fates {
			h.fates = append(h.fates, fate)
		}
	}
	return s.Lost != ""
}

// compare stops all brokers, reads their files, and starts them again. What a broker has not got yet it gets: then it is tried again.
func (d *damageTest) compare() {
	t := d.t
	for try := 0; ; try++ {
		for _, n := range d.c.nodes {
			d.c.awaitInSync(t, n)
		}
		d.load.mu.Lock()
		var acked [][]string
		for _, values := range d.load.acked {
			acked = append(acked, slices.Clone(values))
		}
		d.load.mu.Unlock()
		for _, n := range d.c.nodes {
			d.c.awaitInSync(t, n)
		}
		for _, n := range d.c.nodes {
			n.proc.signal([]syscall.Signal{syscall.SIGTERM, syscall.SIGKILL}[d.rng.IntN(2)])
		}
		for _, n := range d.c.nodes {
			n.proc.exit(t)
		}
		lacking := 0
		for _, n := range d.c.nodes {
			is := readDisk(t, n, d.groups, acked)
			for _, w := range is.wrong[:min(5, len(is.wrong))] {
				t.Errorf("broker %d: %s", n.id, w)
			}
			k, first := is.lacks()
			if lacking += k; k > 0 {
				t.Logf("broker %d lacks %d acknowledged records, from %s on (try %d)", n.id, k, first, try)
			}
		}
		d.c.startAndServe(t, d.c.nodes...)
		if lacking == 0 {
			t.Logf("after %d damages: %d acknowledged records are on %d brokers, byte for byte", len(d.all), count(acked), brokers)
			return
		}
		if try == 3 {
			t.Fatalf("%d acknowledged records are missing", lacking)
		}
	}
}

func count(acked [][]string) (n int) {
	for _, values := range acked {
		for _, v := range values {
			if v != "" {
				n++
			}
		}
	}
	return n
}

// table shows what was done and what became of it.
func (d *damageTest) table() {
	fates := []string{"healed", "hole", "superseded", "aside", "told by peers", "nothing lost"}
	counts := map[string]map[string]int{}
	var rows []string
	for _, h := range d.all {
		for _, row := range []string{fmt.Sprintf("%-9s %s", h.target, h.kind), "all"} {
			if counts[row] == nil {
				counts[row] = map[string]int{}
				rows = append(rows, row)
			}
			counts[row]["damages"]++
			for _, fate := range h.fates {
				counts[row][fate]++
			}
		}
	}
	slices.SortFunc(rows, func(a, b string) int {
		return strings.Compare(strings.Replace(a, "all", "~", 1), strings.Replace(b, "all", "~", 1))
	})
	var b strings.Builder
	fmt.Fprintf(&b, "%-24s %8s", "damage", "times")
	for _, fate := range fates {
		fmt.Fprintf(&b, " %13s", fate)
	}
	for _, row := range rows {
		fmt.Fprintf(&b, "\n%-24s %8d", row, counts[row]["damages"])
		for _, fate := range fates {
			fmt.Fprintf(&b, " %13d", counts[row][fate])
		}
	}
	d.t.Logf("%d damages, %d directories set aside\n%s", len(d.all), d.aside, &b)
}
