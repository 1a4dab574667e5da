package checker

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestNamesAgainstMap compares the table with a Go map, over growth, long values,
// values put twice, and values whose tags are all alike.
func TestNamesAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newNames()
		want := map[string]int32{}
		var all []string
		size := rapid.SampledFrom([]int{10, 100, 30_000}).Draw(t, "size")
		seed := rapid.IntRange(0, 1000).Draw(t, "seed")
		for i := range size {
			name := fmt.Sprint(seed, "-", i*i%(size*3/2+1))
			if i%997 == 5 {
				name = strings.Repeat(name, 60_000)
			}
			if got, _ := m.find(name); (got < 0) != (want[name] == 0) || got >= 0 && got != want[name]-1 {
				t.Fatalf("find %.20q = %d, want %d", name, got, want[name]-1)
			}
			m.put(name, tagOf(name), uint32(i))
			all = append(all, name)
			want[name] = int32(len(all))
		}
		for v, name := range all {
			if got, _ := m.find(name); got != want[name]-1 || m.string(int32(v)) != name || m.entries.get(v).owner != uint32(v) {
				t.Fatalf("find %.20q = %d, want %d", name, got, want[name]-1)
			}
		}
		if found(&m, "") || found(&m, "never put") {
			t.Fatal("found what was never put")
		}
	})
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
		a := m.put(other, tagOf(other), 0)
		if found(&m, name) {
			t.Fatalf("%q is taken for %q", name, other)
		}
		b := m.put(name, tagOf(name), 0)
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
