package checker

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestNamesAgainstMap compares the table with a Go map, over growth, long values, and
// values that are read before they are sent.
func TestNamesAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newNames()
		want, early := map[string]int32{}, map[string]bool{}
		size := rapid.SampledFrom([]int{10, 100, 30_000}).Draw(t, "size")
		seed := rapid.IntRange(0, 1000).Draw(t, "seed")
		for i := range size {
			name := fmt.Sprint(seed, "-", i*i%(size*3/2+1))
			if i%997 == 5 {
				name = strings.Repeat(name, 60_000)
			}
			got, tag := m.find(name)
			v, ok := want[name]
			if ok != (got >= 0) || ok && got != v {
				t.Fatalf("find %.20q = %d, want %d", name, got, v)
			}
			if again, _ := m.merged(); again >= 0 {
				t.Fatalf("%.20q is taken for one that was sent twice", m.string(again))
			}
			switch {
			case !ok && i%3 == 0:
				want[name], early[name] = m.read(name, tag, uint32(i)), true
			case !ok:
				want[name] = m.sent(name, tag, uint32(i))
			case early[name] && i%2 == 0:
				early[name] = false
				m.known(tag, got)
			case early[name]:
				early[name] = false
				m.forget(tag, got)
				want[name] = m.sent(name, tag, uint32(i))
			}
		}
		for name, v := range want { // order: looked up only
			if got, _ := m.find(name); got != v || m.string(v) != name {
				t.Fatalf("find %.20q = %d, want %d", name, got, v)
			}
		}
		if found(&m, "") || found(&m, "never put") {
			t.Fatal("found what was never put")
		}
	})
}

// merged is merge when it is due.
func (m *names) merged() (int32, int32) {
	if !m.full() {
		return -1, -1
	}
	return m.merge()
}

// TestNamesTwice: what was sent long ago is recognized when it is sent again.
func TestNamesTwice(t *testing.T) {
	m := newNames()
	for i := range 20_000 {
		name := fmt.Sprint(i)
		if first, _ := m.merged(); first >= 0 {
			t.Fatalf("%q is taken for one that was sent twice", m.string(first))
		}
		m.sent(name, tagOf(name), 0)
	}
	again := m.sent("77", tagOf("77"), 0)
	if v, _ := m.recent("77"); v != again {
		t.Fatalf("recent = %d, want %d", v, again)
	}
	if first, second := m.merge(); first != 77 || second != again {
		t.Fatalf("merge = %d, %d, want 77, %d", first, second, again)
	}
}

// TestNamesCollide: values of one tag are told apart, and found.
func TestNamesCollide(t *testing.T) {
	byTag := map[uint32]string{}
	m := newNames()
	pairs := 0
	for i := 0; pairs < 3; i++ {
		name := fmt.Sprint("value", i)
		other, ok := byTag[tagOf(name)]
		byTag[tagOf(name)] = name
		if !ok {
			continue
		}
		pairs++
		a := m.sent(other, tagOf(other), 0)
		if found(&m, name) {
			t.Fatalf("%q is taken for %q", name, other)
		}
		b := m.sent(name, tagOf(name), 0)
		if v, _ := m.find(name); v != b {
			t.Fatalf("%q is lost", name)
		}
		if v, _ := m.find(other); v != a {
			t.Fatalf("%q and %q are mixed up", name, other)
		}
	}
}

func found(m *names, name string) bool {
	v, _ := m.find(name)
	return v >= 0
}
