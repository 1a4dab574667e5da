package main

import (
	"os"
	"strings"
	"testing"
)

// A mutant's test that takes memory without end is ended.
func TestMemoryIsBounded(t *testing.T) {
	said, err := bounded(t.Context(), os.Args[0], "take-memory").CombinedOutput()
	if out := string(said); err == nil || !strings.Contains(out, "\n5 GiB") || strings.Contains(out, "\n9 GiB") || !strings.Contains(out, "fatal error: ") {
		t.Errorf("%v: %s", err, out)
	}
}
