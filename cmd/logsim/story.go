package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"logd/sim"
)

// newStory tells stories.
func newStory(a *app) *cobra.Command {
	var verbose, rewrite bool
	cmd := &cobra.Command{
		Use: "story FILE...", Short: "Tell stories: texts that say what happens to a cluster, and what must be seen",
		RunE: func(cmd *cobra.Command, files []string) error {
			if len(files) == 0 {
				return fmt.Errorf("%w: name a file, such as testdata/sim/*.txt", errUsage)
			}
			defer a.endsAtOnce(cmd.Context())()
			bad := 0
			for _, file := range files {
				if err := a.story(file, verbose, rewrite); err != nil {
					fmt.Fprintf(a.out, "INVALID %s: %v\n", file, err)
					bad++
				}
			}
			if bad > 0 {
				return fmt.Errorf("%w: %d of %d stories", errInvalid, bad, len(files))
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "print a line per event")
	cmd.Flags().BoolVar(&rewrite, "rewrite", false, "write the answers into the file, as they came")
	return cmd
}

// story tells one story, twice unless each event is printed: both must end with the same hash (C4).
func (a *app) story(file string, verbose, rewrite bool) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err // a story that can't be read counts as one that doesn't hold
	}
	story, err := sim.ParseStory(string(text))
	if err != nil {
		return err
	}
	env := sim.Env{Stack: debug.Stack}
	if verbose {
		out := bufio.NewWriterSize(a.out, 1<<16)
		defer out.Flush()
		env.Trace = out
	}
	told := sim.Tell(story, env)
	if rewrite {
		if err := os.WriteFile(file, []byte(told.Story.String()), 0o644); err != nil {
			return err
		}
		told = sim.Tell(told.Story, env)
	}
	if told.Err != nil {
		return told.Err
	}
	if !verbose {
		if again := sim.Tell(story, env); again.Hash != told.Hash {
			return fmt.Errorf("%s: trace hash %016x, and %016x when told again", sim.NotDeterministic, told.Hash, again.Hash)
		}
	}
	fmt.Fprintf(a.out, "valid %s hash=%016x, %.1f simulated seconds\n", file, told.Hash, told.Simulated.Seconds())
	return nil
}
