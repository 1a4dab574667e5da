package sim

import (
	"fmt"
	"strings"
)

// Replay tells a record, or what is left of one. A whole record must have the trace of the drawn run, and if it hasn't, the error
// names the first event that differs.
func Replay(text string, env Env) (Told, error) {
	story, err := ParseStory(text)
	if err != nil {
		return Told{}, err
	}
	told := Tell(story, env)
	trace := ""
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "# trace ") {
			trace = strings.TrimSpace(line)
		}
	}
	if trace == "" || trace == told.Trace() {
		return told, told.Err
	}
	return told, story.diverges(trace, told.Trace())
}

// diverges draws the run of a record again, and finds the first event at which its telling differs.
func (s *Story) diverges(was, is string) error {
	c, err := s.Case()
	if err != nil {
		return err
	}
	var drawn, told []Traced
	opt := c.Options
	opt.Budget = false
	Run(opt, Env{Traced: &drawn})
	Tell(s, Env{Traced: &told})
	for i := range drawn {
		if i == len(told) {
			return fmt.Errorf("%w: it ends after %d events, and when drawn event %d is %v", ErrDiverges, i, i+1, drawn[i])
		}
		if drawn[i] != told[i] {
			return fmt.Errorf("%w: event %d is %v, and %v when drawn", ErrDiverges, i+1, told[i], drawn[i])
		}
	}
	if len(told) > len(drawn) {
		return fmt.Errorf("%w: event %d is %v, and the drawn run ends before it", ErrDiverges, len(drawn)+1, told[len(drawn)])
	}
	return fmt.Errorf("%w: the record says %q, and both are %q now: another version drew it", ErrDiverges, was, is)
}
