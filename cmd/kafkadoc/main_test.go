package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"logd/broker"
)

var rewrite = flag.Bool("rewrite", false, "write docs/kafka.md")

// docs/kafka.md is what the code says.
func TestPage(t *testing.T) {
	const name = "../../docs/kafka.md"
	if *rewrite {
		if err := os.WriteFile(name, []byte(page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if want := page(); string(got) != want {
		a, b := strings.Split(string(got), "\n"), strings.Split(want, "\n")
		for i := range min(len(a), len(b)) {
			if a[i] != b[i] {
				t.Fatalf("docs/kafka.md, line %d is %q, the code says %q: go run ./cmd/kafkadoc > docs/kafka.md", i+1, a[i], b[i])
			}
		}
		t.Fatalf("docs/kafka.md has %d lines, the code says %d: go run ./cmd/kafkadoc > docs/kafka.md", len(a), len(b))
	}
}

// Every test that is named exists, and every served API has one; none has that isn't served.
func TestTestsExist(t *testing.T) {
	names := map[string]bool{simulator: true}
	test := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	for _, pattern := range []string{"../*/*_test.go", "../../*/*_test.go", "../../*/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range test.FindAllStringSubmatch(string(text), -1) {
				names[m[1]] = true
			}
		}
	}
	for _, a := range broker.APIs() {
		of := testsOf(a.Key)
		if a.Served() != (len(of) > 0) {
			t.Errorf("%s: served: %t, tested by %q", a.Name, a.Served(), of)
		}
		for _, name := range of {
			if !names[name] {
				t.Errorf("%s: there is no test %q", a.Name, name)
			}
		}
	}
	for _, name := range regexp.MustCompile(`(?:Test|Fuzz)[A-Z]\w+`).FindAllString(above+below, -1) {
		if !names[name] {
			t.Errorf("the page speaks of a test %q, which there isn't", name)
		}
	}
}
