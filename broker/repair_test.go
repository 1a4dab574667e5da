package broker

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"logd/log"
)

// What nobody gives is asked for again only after all that is behind it; what is given in parts is asked for to its end.
func TestEachHoleHasItsTurn(t *testing.T) {
	ranges := []log.Range{{From: 10, To: 20}, {From: 40, To: 50}, {From: 70, To: 80}}
	var r repairing
	var asked []int64
	ask := func(on bool) {
		at := r.nextRange(ranges, on)
		r.from, asked = at.From, append(asked, at.From)
	}
	for _, on := range []bool{false, false, true, false} {
		ask(on)
	}
	ranges[1].From = 44 // some of it came
	ask(false)
	ask(true)
	ranges = ranges[:2] // all of the last came
	ask(false)
	ask(true)
	ask(true)
	if got := fmt.Sprint(asked); got != "[10 10 40 40 44 70 10 44 10]" {
		t.Errorf("asked for %s", got)
	}
}

// Damage of more replicas than are mended at the same time is noted of all of them at once, so that none of them serves; and the ones that
// nobody else has a replica of take no other's turn.
func TestMoreDamageThanRepairs(t *testing.T) {
	l := startLone(t)
	var groups []uint64
	for i := range l.s.cfg.Limits.Repairs + 3 {
		name := fmt.Sprintf("t%d", i)
		p := l.create(name)
		groups = append(groups, p.group)
		for range 4 {
			l.produce(name, testRecord{value: strings.Repeat("x", 30_000)})
		}
		l.await("a flush", func() bool {
			p.g.Flush(1 << 20)
			l.s.touch(p.group)
			return l.s.store.Flushed(p.group).LogEnd == 4
		})
	}
	for range 5 {
		l.tick()
	}
	for _, g := range groups {
		name := filepath.Join(l.dir, log.ShardDir(0), "seg", fmt.Sprintf("%020d", g), fmt.Sprintf("%020d.log", 0))
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		b[1000] ^= 0xff
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l.open(1)
	for range 100 {
		l.tick()
	}
	for i, g := range groups {
		p := l.s.parts[g]
		if _, leads := p.g.Leading(); !p.damaged || leads {
			t.Errorf("topic %d: damaged %t, leads %t", i, p.damaged, leads)
		}
	}
	if all := l.s.wanting(); len(all) > 0 {
		t.Errorf("%d replicas want what nobody could give", len(all))
	}
}
