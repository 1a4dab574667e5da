package group

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// assignmentsFile has drawn groups, and what the assignors of Apache Kafka 4.1.0 gave to their members: range and uniform of KIP-848, run
// by testdata/clients/java (Assignors), whose text says what the file looks like. Made by
//
//	go test ./broker/group -run TestAssignorsAndKafkas -draw-groups
//	java -cp "target/lib/*:target/classes" clients.Assignors < assignments.txt
const assignmentsFile = "testdata/assignments.txt"

var drawGroups = flag.Bool("draw-groups", false, "draw the groups of testdata/assignments.txt, without Kafka's assignments")

// asked is one group with what Kafka gives.
type asked struct {
	drawn
	gives map[string][]Set // by assignor
}

// Range gives exactly what Kafka's gives. Uniform gives no worse: no member has more than in Kafka's, loads are as even, and if all want
// the same, as few partitions move. It may not give the same, as there are many such assignments (docs/architecture.md).
func TestAssignorsAndKafkas(t *testing.T) {
	if *drawGroups {
		drawAssignments(t)
		return
	}
	text, err := os.ReadFile(assignmentsFile)
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(strings.TrimSpace(string(text)), "\n\n")
	fewer, evener := 0, 0
	for _, block := range blocks {
		a := readAsked(t, block)
		if got := assignRange(a.members, a.partitions); !slices.EqualFunc(got, a.gives[assignorRange], Set.equal) {
			t.Errorf("range gives %v, Kafka's %v, of\n%s", got, a.gives[assignorRange], block)
		}
		got, theirs := assignUniform(a.members, a.partitions), a.gives[assignorUniform]
		if ours, kafkas := squares(sizes(got)), squares(sizes(theirs)); ours > kafkas {
			t.Errorf("uniform gives %v, less evenly than Kafka's %v, of\n%s", got, theirs, block)
		} else if ours < kafkas {
			evener++
			continue
		}
		if !a.equal() {
			continue
		}
		if ours, kafkas := a.kept(got), a.kept(theirs); ours < kafkas {
			t.Errorf("uniform lets members keep %d, Kafka's %d: %v and %v, of\n%s", ours, kafkas, got, theirs, block)
		} else if ours > kafkas {
			fewer++
		}
	}
	t.Logf("%d groups: uniform is evener than Kafka's in %d, and moves fewer in %d", len(blocks), evener, fewer)
}

// equal says that all members want the same.
func (d drawn) equal() bool {
	return !slices.ContainsFunc(d.members, func(m candidate) bool { return !slices.Equal(m.topics, d.members[0].topics) })
}

// kept counts partitions that stay with who had them.
func (d drawn) kept(given []Set) (n int) {
	for i, s := range given {
		n += len(s.both(d.members[i].had))
	}
	return n
}

func readAsked(t *testing.T, block string) asked {
	t.Helper()
	a := asked{gives: map[string][]Set{}}
	for _, line := range strings.Split(block, "\n") {
		words := strings.Split(line, " ")
		switch words[0] {
		case "topics":
			for _, w := range words[1:] {
				a.parts = append(a.parts, int32(number(t, w)))
			}
		case assignorRange, assignorUniform:
			for _, w := range words[1:] {
				_, parts, _ := strings.Cut(w, "=")
				a.gives[words[0]] = append(a.gives[words[0]], readParts(t, parts))
			}
		default:
			m := candidate{id: words[0]}
			for _, w := range words[1:] {
				name, value, _ := strings.Cut(w, "=")
				switch name {
				case "instance":
					m.instance = value
				case "topics":
					for _, n := range strings.Split(value, ",") {
						m.topics = append(m.topics, topicN(number(t, n)))
					}
				case "had":
					m.had = readParts(t, value)
				}
			}
			a.members = append(a.members, m)
		}
	}
	return a
}

func readParts(t *testing.T, text string) (s Set) {
	t.Helper()
	for _, p := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		topic, part, _ := strings.Cut(p, ":")
		s = s.and(Set{{topicN(number(t, topic)), int32(number(t, part))}})
	}
	return s
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// drawAssignments draws groups as they come about: what members had was given to them by an assignor, before some left, came or changed
// what they want.
func drawAssignments(t *testing.T) {
	rng := rand.New(rand.NewPCG(848, 1))
	var out strings.Builder
	for range 200 {
		var d drawn
		for range 1 + rng.IntN(4) {
			d.parts = append(d.parts, int32(rng.IntN(8)))
		}
		equal := rng.IntN(2) == 0
		subscribe := func() (topics [][16]byte) {
			for n := range d.parts {
				if rng.IntN(3) > 0 {
					topics = append(topics, topicN(n))
				}
			}
			if topics == nil {
				topics = [][16]byte{topicN(0)}
			}
			return topics
		}
		all := subscribe()
		join := func(i int) {
			m := candidate{id: fmt.Sprintf("m%d", i), topics: all}
			if rng.IntN(4) == 0 {
				m.instance = fmt.Sprintf("i%d", 9-i)
			}
			if !equal {
				m.topics = subscribe()
			}
			d.members = append(d.members, m)
		}
		n := 1 + rng.IntN(5)
		for i := range n {
			join(i)
		}
		if rng.IntN(4) > 0 {
			for i, s := range assignors[rng.IntN(2)].assign(d.members, d.partitions) {
				d.members[i].had = s
			}
			d.members = slices.Delete(d.members, 0, rng.IntN(n))
			for i := range rng.IntN(4) {
				join(n + i)
			}
			if !equal && rng.IntN(2) == 0 {
				d.members[0].topics = subscribe()
			}
		}
		out.WriteString(d.text())
	}
	if err := os.WriteFile(assignmentsFile, []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// text is a group as the file has it.
func (d drawn) text() string {
	out := "topics"
	for _, n := range d.parts {
		out += fmt.Sprint(" ", n)
	}
	for _, m := range d.members {
		out += "\n" + m.id
		if m.instance != "" {
			out += " instance=" + m.instance
		}
		var topics, had []string
		for _, t := range m.topics {
			topics = append(topics, fmt.Sprint(t[15]-1))
		}
		for _, p := range m.had {
			had = append(had, fmt.Sprintf("%d:%d", p.Topic[15]-1, p.Part))
		}
		out += " topics=" + strings.Join(topics, ",")
		if had != nil {
			out += " had=" + strings.Join(had, ",")
		}
	}
	return out + "\n\n"
}
