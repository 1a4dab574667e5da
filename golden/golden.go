package golden

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "write stored answers anew, to be looked at with git diff")

// Rewriting tells whether the test was run with -rewrite, for tests that store answers in their own way.
func Rewriting() bool { return *rewrite }

// Same compares got with what the file stores, and is an error of the test if they differ. With -rewrite it stores got first.
func Same(t testing.TB, file string, got []byte) {
	t.Helper()
	if *rewrite {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: run the test with -rewrite to store it", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-stored +got); if that is meant, run the test with -rewrite:\n%s", file, diff)
	}
}
