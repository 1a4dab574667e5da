package main

import (
	"bytes"
	"strings"
	"testing"

	"logd/sim"
)

// Faults are told per kind, with the story of each, and those that no seed drew are named.
func TestFaultsAreTold(t *testing.T) {
	results := make([]sim.Result, 4)
	results[1].Faults[0], results[2].Faults[0] = 3, 4
	var out bytes.Buffer
	printFaults(&out, results)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || strings.Join(strings.Fields(lines[1]), " ") != sim.FaultName(0)+" 500 7 "+sim.FaultStory(0) {
		t.Fatalf("told: %s", out.String())
	}
	if never := strings.Split(strings.TrimPrefix(lines[2], "not drawn: "), ", "); len(never) != sim.Faults-1 || never[0] != sim.FaultName(1) {
		t.Errorf("not drawn: %q", never)
	}
}
