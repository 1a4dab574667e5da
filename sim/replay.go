package sim

import (
	"errors"
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
	if trace == "" || trace == told.Trace() || told.Err != nil && told.Violation == nil && !errors.Is(told.Err, ErrAnswers) { // a line that can't be told comes first
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
	opt := c.Options
	opt.Budget = false
	drawn := &tape{}
	Run(opt, Env{tape: drawn})
	told := &tape{first: drawn}
	Tell(s, Env{tape: told})
	switch n := told.seen; {
	case told.differs:
		return fmt.Errorf("%w: event %d is %s; when drawn it is %s", ErrDiverges, n, told.event(n), drawn.event(n))
	case n < drawn.seen:
		return fmt.Errorf("%w: it ends after %d events; when drawn the next is %s", ErrDiverges, n, drawn.event(n+1))
	}
	return fmt.Errorf("%w: the record says %q, and both are %q now: another version drew it", ErrDiverges, was, is)
}
