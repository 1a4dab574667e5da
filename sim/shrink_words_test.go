package sim

import (
	"slices"
	"strings"
	"testing"

	"logd/log"
)

// What says less than a command is a command, too, and leaves out or halves one thing.
func TestSimpler(t *testing.T) {
	for command, want := range map[string][]string{ // order: independent
		"power 2 keep random 77 back=1s": {"power 2 keep none back=1s", "power 2 keep all back=1s", "power 2 keep random 77", "power 2 keep random 77 back=20ms"},
		"power 2 keep random":            {"power 2 keep none", "power 2 keep all"},
		"power 2 keep random killed=3":   {"power 2 keep none killed=3", "power 2 keep all killed=3", "power 2 keep random"},
		"crash 2 9 killed=3":             {"crash 2 killed=3", "crash 2 9"},
		"start 2 killed 4":               {"start 2"},
		"slow 2 8":                       {"slow 2 4"},
		"clog 1 2 3ms":                   {"clog 1 2 1ms"},
		"wipe 2":                         nil,
	} {
		var got []string
		for _, words := range simpler(strings.Fields(command)) {
			if c := commands[words[0]]; len(words)-1 < c.least || len(words)-1 > c.most {
				t.Errorf("%s: no story knows %v", command, words)
			}
			got = append(got, strings.Join(words, " "))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, expected %q", command, got, want)
		}
	}
}

// A picture shows a command at the broker that it is about.
func TestCommandTarget(t *testing.T) {
	for command, want := range map[string]int32{ // order: independent
		"crash 2 9": 2, "isolate 3 for=2s": 3, "power all": 0, "hush 8s": 0, "one-way 1 2": 0, "when 2 elected crash 2": 2, "calm": 0, "nothing 2": 0,
	} {
		if got := CommandTarget(command); got != want {
			t.Errorf("%s: broker %d, expected %d", command, got, want)
		}
	}
}

// Options of a shrunk world keep what drawn ones promise: all groups' uncommitted bytes fit the WAL, those of consumer groups and of
// fleeting topics, too (S10).
func TestRaftGroupsFit(t *testing.T) {
	o := Default(1, 0)
	o.Budget, o.Load.Fleeting, o.Load.Members = true, 0, 0
	o.Limits.UncommittedBytes = 1
	alone := o.raftGroups()
	if o.Load.Members = 1; o.raftGroups() != alone+offsetsPartitions {
		t.Errorf("%d groups with consumer groups, and %d without", o.raftGroups(), alone)
	}
	if o.Load.Fleeting = 3; o.raftGroups() != alone+offsetsPartitions+2*3*fleetingParts {
		t.Errorf("%d groups with three fleeting topics, too", o.raftGroups())
	}
	o.Limits.UncommittedBytes = log.MaxEntry(o.Store) / o.raftGroups()
	if err := o.fits(); err != nil {
		t.Error(err)
	}
	if o.Load.Topics++; o.fits() == nil {
		t.Error("one topic more fits, too")
	}
}
