package checker

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestNamesAgainstMap compares the tables with a Go map, over growth, long values, and
// values that are read before they are sent, and get their places.
func TestNamesAgainstMap(t *testing.T) {
	const isRead, isSent, isPlaced = 1, 2, 3
	rapid.Check(t, func(t *rapid.T) {
		var m names
		want, is := map[string]int32{}, map[string]int{}
		size := rapid.SampledFrom([]int{10, 100, 30_000}).Draw(t, "size")
		seed := rapid.IntRange(0, 1000).Draw(t, "seed")
		for i := range size {
			name := fmt.Sprint(seed, "-", i*i%(size*3/2+1))
			if i%997 == 5 {
				name = strings.Repeat(name, 60_000)
			}
			got, tag := m.find(name)
			v, ok := want[name]
			if found := ok && is[name] != isPlaced; found != (got >= 0) || found && got != v {
				t.Fatalf("find %.20q = %d, want %d", name, got, v)
			}
			switch {
			case !ok && i%3 == 0:
				want[name], is[name] = m.read(name, tag, ownedBy(orphan)), isRead
			case !ok:
				want[name], is[name] = open(&m, name, 7), isSent
			case is[name] == isRead && i%2 == 0:
				m.entries.at(int(v)).owner = ownedBy(7)
				m.known(tag, v)
				m.opened(v)
				is[name] = isSent
			case is[name] == isRead:
				m.entries.at(int(v)).owner = ownedBy(gone)
				m.forget(tag, v)
				want[name], is[name] = open(&m, name, 7), isSent
			case is[name] == isSent:
				m.placed(v)
				is[name] = isPlaced
			}
		}
		if first, _ := m.twice(&sorter{whole: 2000}); first >= 0 {
			t.Fatalf("%.20q is taken for one that was sent twice", m.string(first))
		}
		if first, _ := m.tell(); first >= 0 {
			t.Fatalf("%.20q is taken for one that was sent twice", m.string(first))
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

// TestNamesTwice: what was sent long ago is recognized when it is sent again, whether
// tags are sorted at once or in rounds.
func TestNamesTwice(t *testing.T) {
	for _, size := range []int{1, 1000, 5000} {
		var m names
		for i := range size {
			name := fmt.Sprint(i)
			m.placed(open(&m, name, 1))
		}
		if first, _ := m.twice(&sorter{whole: 2000}); first >= 0 {
			t.Fatalf("%q is taken for one that was sent twice", m.string(first))
		}
		name := fmt.Sprint(size / 2)
		again := m.sent(name, tagOf(name), ownedBy(2))
		for range 100 {
			m.sent(fmt.Sprint("later", m.len()), tagOf(fmt.Sprint("later", m.len())), ownedBy(3))
		}
		if first, second := m.twice(&sorter{whole: 2000}); first != int32(size/2) || second != again {
			t.Fatalf("twice = %d, %d, want %d, %d", first, second, size/2, again)
		}
		if first, second := m.tell(); first != int32(size/2) || second != again {
			t.Fatalf("tell = %d, %d, want %d, %d", first, second, size/2, again)
		}
	}
}

// TestNamesCollide: values of one tag are told apart, and found.
func TestNamesCollide(t *testing.T) {
	byTag := map[uint32]string{}
	var m names
	pairs := 0
	for i := 0; pairs < 3; i++ {
		name := fmt.Sprint("value", i)
		other, ok := byTag[tagOf(name)]
		byTag[tagOf(name)] = name
		if !ok {
			continue
		}
		pairs++
		a := open(&m, other, 1)
		if found(&m, name) {
			t.Fatalf("%q is taken for %q", name, other)
		}
		b := open(&m, name, 1)
		if v, _ := m.find(name); v != b {
			t.Fatalf("%q is lost", name)
		}
		if v, _ := m.find(other); v != a {
			t.Fatalf("%q and %q are mixed up", name, other)
		}
		if first, _ := m.twice(&sorter{whole: 2000}); first >= 0 {
			t.Fatalf("%q and %q are taken for one value", name, other)
		}
	}
}

// open sends a value that isn't placed.
func open(m *names, name string, op int32) int32 {
	v := m.sent(name, tagOf(name), ownedBy(op))
	m.opened(v)
	return v
}

func found(m *names, name string) bool {
	v, _ := m.find(name)
	return v >= 0
}
