package sim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"logd/golden"
)

// Each story of testdata/sim is told twice: as it expects, and by the same events.
func TestStories(t *testing.T) {
	for _, folder := range []string{"", "wal", "segments", "repair", "shrunk", "trim"} {
		files, err := filepath.Glob(filepath.Join("../testdata/sim", folder, "*.txt"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no stories in %q: %v", folder, err)
		}
		for _, file := range files {
			t.Run(filepath.Join(folder, strings.TrimSuffix(filepath.Base(file), ".txt")), func(t *testing.T) {
				tellTwice(t, file, readStory(t, file))
			})
		}
	}
}

// Each kind of fault that a seed may draw is shown by a story.
func TestEveryFaultHasAStory(t *testing.T) {
	for kind, row := range faultTable {
		if _, err := os.Stat(filepath.Join("../testdata/sim", row.story+".txt")); row.story == "" || err != nil {
			t.Errorf("fault %d, %s: no story %q: %v", kind, row.name, row.story, err)
		}
	}
}

func readStory(t *testing.T, file string) *Story {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	story, err := ParseStory(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if story.String() != string(text) {
		t.Error("read and written again, the text differs")
	}
	return story
}

func tellTwice(t *testing.T, file string, story *Story) {
	told := Tell(story, Env{})
	if golden.Rewriting() {
		if err := os.WriteFile(file, []byte(told.Story.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		story = told.Story
		told = Tell(story, Env{})
	}
	if told.Err != nil {
		t.Fatalf("%v\n  watch it: go run ./cmd/logsim story -v %s", told.Err, strings.TrimPrefix(file, "../"))
	}
	if again := Tell(story, Env{}); again.Hash != told.Hash {
		t.Errorf("trace hash %016x, and %016x when told again", told.Hash, again.Hash)
	}
}

// A text that is no story is refused, with the line.
func TestStoryIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"# why\nproduce orders/0 1\n":                 "ends with finish",
		"produce orders/0 1\nfinish\n":                "say why it is told",
		"# why\nexplode 2\nfinish\n":                  `line 2: no command "explode"`,
		"# why\n  acknowledged\nfinish\n":             "line 2: an answer",
		"# why\nrun 1s\noptions seed=2\nfinish\n":     "line 3: options are the first",
		"# why\nfinish\nrun 1s\n":                     "line 3: finish is the last",
		"# why\nrun 1s\n# or not\n  answer\nfinish\n": "line 4: an answer",
	} {
		if _, err := ParseStory(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, expected %q", text, err, want)
		}
	}
}

// A story fails by what isn't so: an answer, an expectation, a place that isn't there, a check of the world.
func TestStoryFails(t *testing.T) {
	for text, want := range map[string]string{
		"produce orders/0 2\n  acknowledged 0..7": "acknowledged 0..1",
		"crash 2\nexpect running 2":               "it isn't so",
		"crash 2\nrun until running 2 within 1s":  "not within 1s",
		"rot 2 segment orders/0 offset 7":         "no segment of group",
		"rot 2 wal group=77 both":                 `no write group "77"`,
		"produce orders/9 1":                      `no partition "orders/9"`,
		"crash 7":                                 `no broker "7"`,
		"crash":                                   "usage: crash B",
		"restore 2 monday":                        `no backup "monday"`,
		"options wal-files=0":                     "options: ",
		"produce orders/0 1 size=3000\nrun 3s\nforget 2\npower 2\nrun 100ms": `no command "forget"`,
	} {
		s, err := ParseStory("# why\n" + text + "\nfinish\n")
		if err == nil {
			err = Tell(s, Env{}).Err
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, expected %q", text, err, want)
		}
	}
}
