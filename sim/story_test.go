package sim

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the answers in testdata/sim anew")

// Each story of testdata/sim is told twice: as it expects, and by the same events.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("../testdata/sim/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
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
			told := Tell(story, Env{})
			if *rewrite {
				if err := os.WriteFile(file, []byte(told.Story.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				story = told.Story
				told = Tell(story, Env{})
			}
			if told.Err != nil {
				t.Fatalf("%v\n  watch it: go run ./cmd/logsim story -v testdata/sim/%s", told.Err, filepath.Base(file))
			}
			if again := Tell(story, Env{}); again.Hash != told.Hash {
				t.Errorf("trace hash %016x, and %016x when told again", told.Hash, again.Hash)
			}
		})
	}
}
