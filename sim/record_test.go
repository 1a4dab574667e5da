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
	cases := append(slices.Concat(c.Calmer(), c.Loose(), c.Denser()), c.Last(3*time.Second, false), c.Last(3*time.Second, true), c.Again(1), c.Sooner(1, true), c.Sooner(1, false))
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

// A batch that is said to be the producer's next one needs no batch before it; one whose sequence is said isn't sent without those.
func TestNextBatch(t *testing.T) {
	for _, c := range []struct{ second, third, read string }{
		{"at=next", "at=next", "read 0..3"}, {"at=1", "at=2", "read 0..3"}, {"at=5", "at=2", "read 0..1"}, {"at=5", "at=next", "read 0..2"},
	} {
		text := "# why\noptions Seed=3 Budget=true Load.Topics=1 Load.Partitions=1\nat 1s client 2 producer on=1 v=4\n" +
			"at 2s client 2 send orders/0 on=leader v=9 records=1 size=10 at=next\n" +
			"at 3s client 2 send orders/0 on=leader v=9 records=1 size=10 " + c.second + "\n" +
			"at 4s client 2 send orders/0 on=leader v=9 records=1 size=10 " + c.third + "\nfinish\n  orders/0: " + c.read + "\n"
		if told := Tell(mustParse(t, text), Env{}); told.Err != nil {
			t.Errorf("%s, %s: %v", c.second, c.third, told.Err)
		}
	}
}

// The last stretch of a record keeps, if that is asked for, how its clients were let in; what hangs together less, and what fills more, is
// said so.
func TestCaseOfLess(t *testing.T) {
	c, err := mustParse(t, "# r\noptions Seed=7 Budget=true\nat 1s client 2 producer on=1 v=4\nat 2s client 2 send orders/0 on=1 v=9 records=1 size=10 at=0\n"+
		"at 3s client 2 producer on=2 v=4\nat 30s client 2 send orders/0 on=3 v=9 records=1 size=10 at=7\nat 31s client 2 resend orders/0 on=3 v=9 at=7\nfinish\n").Case()
	if err != nil {
		t.Fatal(err)
	}
	last := c.Last(2*time.Second, true)
	story := last.Story("", nil)
	if !strings.HasSuffix(story, "at 1s client 2 producer on=2 v=4\nat 2.02s client 2 send orders/0 on=3 v=9 records=1 size=10 at=7\nat 3.02s client 2 resend orders/0 on=3 v=9 at=7\nfinish\n") {
		t.Errorf("the last stretch is\n%s", story)
	}
	loose := c.Loose()[0]
	story = loose.Story("", nil)
	if !strings.HasSuffix(story, "at 30s client 2 send orders/0 on=leader v=9 records=1 size=10 at=next\nat 31s client 2 resend orders/0 on=leader v=9 at=first\nfinish\n") {
		t.Errorf("said in words it is\n%s", story)
	}
	denser := c.Denser()
	story = denser[0].Story("", nil)
	if lower := denser[len(denser)-1].Options; strings.Count(story, "size=4000") != 2 || lower == c.Options {
		t.Errorf("larger, it is\n%s", story)
	}
}
