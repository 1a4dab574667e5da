package golden

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// spy is a test that is asked how it went.
type spy struct {
	testing.TB
	said []string
}

func (s *spy) Helper() {}

func (s *spy) Errorf(format string, args ...any) { s.said = append(s.said, format) }

func (s *spy) Fatalf(format string, args ...any) { s.said = append(s.said, format); panic(s) }

// What differs is told, and so is a file that isn't there; what is the same isn't. With -rewrite it is stored, and the same from then on.
func TestSame(t *testing.T) {
	defer func(before bool) { *rewrite = before }(*rewrite)
	file := filepath.Join(t.TempDir(), "folder", "stored")
	told := func(got string, anew bool) string {
		s := &spy{TB: t}
		*rewrite = anew
		func() {
			defer func() {
				if r := recover(); r != nil && r != any(s) {
					panic(r)
				}
			}()
			Same(s, file, []byte(got))
		}()
		return strings.Join(s.said, "; ")
	}
	if said := told("a\n", false); !strings.Contains(said, "to store it") {
		t.Errorf("no file: %q", said)
	}
	if said := told("a\n", true); said != "" {
		t.Errorf("stored: %q", said)
	}
	if said := told("a\n", false); said != "" {
		t.Errorf("the same: %q", said)
	}
	if said := told("b\n", false); !strings.Contains(said, "differs") {
		t.Errorf("another: %q", said)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "a\n" {
		t.Errorf("without -rewrite the file became %q (%v)", b, err)
	}
}
