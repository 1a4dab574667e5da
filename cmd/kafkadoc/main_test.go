package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"logd/broker"
	"logd/golden"
)

// docs/kafka.md is what the code says.
func TestPage(t *testing.T) {
	golden.Same(t, "../../docs/kafka.md", []byte(page()))
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
