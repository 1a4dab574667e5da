package sim

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// A record says all that was decided: told again it is the same run, event by event (W12).
func TestRecordIsTheRun(t *testing.T) {
	for seed := uint64(1); seed <= 6; seed++ {
		opt := Draw(seed, 10*time.Second)
		var record bytes.Buffer
		first := Run(opt, Env{Record: &record})
		told, err := Replay(record.String(), Env{})
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		if told.Hash != first.Hash {
			t.Errorf("seed %d: trace hash %016x, %016x when its record is told; %d events, %d events", seed, first.Hash, told.Hash, first.Events, told.Events)
		}
	}
}

// A record that isn't whole is another run, and the first event that differs is named.
func TestReplayNamesTheDifference(t *testing.T) {
	var record bytes.Buffer
	Run(Draw(1, 5*time.Second), Env{Record: &record})
	lines := strings.SplitAfter(record.String(), "\n")
	i := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, " append ") })
	at := strings.Fields(lines[i])[1]
	text := strings.Join(slices.Delete(lines, i, i+1), "")
	_, err := Replay(text, Env{})
	if !errors.Is(err, ErrDiverges) || !strings.Contains(err.Error(), ", client ") {
		t.Fatalf("an append at %s is missing, and the difference is: %v", at, err)
	}
}

// Whatever shrinking makes of a record is a record, and each of its commands is known.
func TestSimplerCasesAreStories(t *testing.T) {
	var record bytes.Buffer
	Run(Draw(3, 10*time.Second), Env{Record: &record})
	story, err := ParseStory(record.String())
	if err != nil {
		t.Fatal(err)
	}
	c, err := story.Case()
	if err != nil {
		t.Fatal(err)
	}
	cases := append(c.Calmer(), c.Last(3*time.Second), c.Again(1), c.Sooner(1, true), c.Sooner(1, false))
	for i := range c.Decisions {
		cases = append(cases, c.Simpler(i)...)
	}
	for i := range cases {
		if i > 200 && i%50 != 0 {
			continue
		}
		again, err := ParseStory(cases[i].Story("why", nil))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := again.Case(); err != nil {
			t.Fatal(err)
		}
	}
	if told := Tell(mustParse(t, cases[len(cases)-1].Story("why", nil)), Env{}); told.Violation != nil {
		t.Fatal(told.Violation)
	}
}

func mustParse(t *testing.T, text string) *Story {
	story, err := ParseStory(text)
	if err != nil {
		t.Fatal(err)
	}
	return story
}
