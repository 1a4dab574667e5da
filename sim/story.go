package sim

import (
	"errors"
	"fmt"
	"strings"
)

// A story is a text that says what happens to a cluster, and what must be seen:
//
//	# why it is told                     reason, and a picture where it helps
//	options seed=3 shards=2              the first command, if any
//	produce orders/0 5                   a command
//	  acknowledged 0..4                  what it must answer, indented by two
//	power 2 keep none
//	start 2
//	run until healed 2
//	finish                               the last: everything is read, all copies are compared
//
// A command may say when: at 1.2s power 2 keep none. Such are the records of drawn runs (decide.go), which say Budget=true, and
// what is left of them when they are shrunk (shrink.go). Instead of finish, expect violation NAME says how the story ends, and
// the line below it for what cause (cause.go).
//
// Nothing happens but what is told: no fault by itself, no restart. All of the world's checks are on. The answers are
// compared line by line, and -rewrite of the test writes them anew; what expect and run until say must be true always.
type Story struct {
	lines []storyLine
}

// storyLine is a comment, or a command with its answer.
type storyLine struct {
	number  int
	text    string   // as it stands there
	words   []string // of a command; nil for a comment
	answers []string
}

// ParseStory reads a story; an error names the line.
func ParseStory(text string) (*Story, error) {
	s := &Story{}
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		switch bare := strings.TrimRight(line, " \t\r"); {
		case bare == "" || strings.HasPrefix(bare, "#"):
			s.lines = append(s.lines, storyLine{number: i + 1, text: bare})
		case strings.HasPrefix(bare, "  "):
			at := s.lastCommand()
			if at < 0 {
				return nil, fmt.Errorf("line %d: an answer, and no command before it", i+1)
			}
			s.lines[at].answers = append(s.lines[at].answers, bare[2:])
		default:
			words := strings.Fields(bare)
			if err := known(words); err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			s.lines = append(s.lines, storyLine{number: i + 1, text: bare, words: words})
		}
	}
	return s, s.check()
}

// known says whether a line is a command.
func known(words []string) error {
	name := words[0]
	if name == "at" {
		if len(words) < 3 || words[2] == "at" || words[2] == "options" || words[2] == "finish" {
			return fmt.Errorf("say at TIME COMMAND")
		}
		name = words[2]
	}
	if commands[name].do == nil {
		return fmt.Errorf("no command %q; there are %s", name, commandNames())
	}
	return nil
}

// ending is the line with the violation that the story ends with, nil if it ends with none.
func (s *Story) ending() *storyLine {
	for i := range s.lines {
		if l := &s.lines[i]; ends(l.words) && l.words[0] == "expect" {
			return l
		}
	}
	return nil
}

// expected is the line that a story ends with which ends with a violation, and its cause.
func (v *Violation) expected() string {
	text := "expect violation " + v.Name + "\n"
	if v.Cause != "" {
		text += "  " + v.Cause + "\n"
	}
	return text
}

// endsSo says why a violation isn't the one that a story's last line expects. One that names no cause expects any.
func (v *Violation) endsSo(want *storyLine) error {
	switch {
	case v == nil:
		return fmt.Errorf("it ends without a violation, and %s was expected: if that is mended, let it end with finish", want.words[2])
	case v.Name != want.words[2]:
		return fmt.Errorf("%s was expected, and it ends with %s", want.words[2], v)
	case len(want.answers) > 0 && want.answers[0] != v.Cause:
		return fmt.Errorf("%w: it ends with %s for another reason\n  expected\n    %s\n  got\n    %s", ErrAnswers, v.Name, want.answers[0], v.Cause)
	}
	return nil
}

// ends tells whether a command is one that ends a story.
func ends(words []string) bool {
	return len(words) > 0 && words[0] == "finish" || len(words) == 3 && words[0] == "expect" && words[1] == "violation"
}

// lastCommand is the place of the command that an answer belongs to: nothing may stand between.
func (s *Story) lastCommand() int {
	if i := len(s.lines) - 1; i >= 0 && s.lines[i].words != nil {
		return i
	}
	return -1
}

// check says what no story may lack.
func (s *Story) check() error {
	var last []string
	for i, l := range s.lines {
		if l.words == nil {
			continue
		}
		if last != nil && last[0] != "options" && l.words[0] == "options" {
			return fmt.Errorf("line %d: options are the first commands", l.number)
		}
		if ends(last) {
			return fmt.Errorf("line %d: %s is the last command", l.number, last[0])
		}
		if last == nil && (i == 0 || !strings.HasPrefix(s.lines[0].text, "#")) {
			return fmt.Errorf("line %d: %q comes before the reason: a story begins with lines of # that say why it is told", l.number, l.words[0])
		}
		last = l.words
	}
	if !ends(last) {
		return fmt.Errorf("a story ends with finish, so that everything is read, or with expect violation NAME")
	}
	return nil
}

// String is the story's text.
func (s *Story) String() string {
	var b strings.Builder
	for _, l := range s.lines {
		b.WriteString(l.text + "\n")
		for _, a := range l.answers {
			b.WriteString("  " + a + "\n")
		}
	}
	return b.String()
}

// Told is what became of a story.
type Told struct {
	Story *Story // with the answers that were given
	Result
	Err error // nil: all that it expects was seen, and no check found anything else
}

// Tell runs a story. An answer that differs doesn't end it; what it expects and isn't so, or a violation, does.
func Tell(s *Story, env Env) Told {
	t := newTeller(env)
	before := setEntropy(nil)
	defer setEntropy(before)
	told := &Story{}
	var err error
	for _, l := range s.lines {
		if l.words == nil || err != nil {
			told.lines = append(told.lines, l)
			continue
		}
		now := l
		t.watched(&l, false, l.text)
		now.answers, err = t.tell(l.words)
		t.watched(&l, true, now.answers...)
		if err != nil {
			err = fmt.Errorf("line %d: %s: %w", l.number, l.text, err)
		}
		told.lines = append(told.lines, now)
	}
	if err == nil {
		err = s.differs(told)
	}
	r := Told{Story: told, Err: err}
	if t.w != nil {
		r.Result = t.w.result()
	}
	if want := s.ending(); want != nil && (r.Violation != nil || r.Err == nil || errors.Is(r.Err, ErrAnswers)) {
		if r.Err = r.Violation.endsSo(want); r.Violation != nil && r.Violation.Name == want.words[2] && len(want.answers) > 0 {
			told.ending().answers = []string{r.Violation.Cause}
		}
	}
	return r
}

// ErrAnswers says that a story was told to its end, and that something was answered otherwise than it says.
var ErrAnswers = errors.New("other answers than expected")

// ErrDiverges says that a record, told again, isn't the run that was drawn.
var ErrDiverges = errors.New("the trace is another one")

// differs says what another telling answered that this one doesn't expect.
func (s *Story) differs(told *Story) error {
	var b strings.Builder
	for i, l := range s.lines {
		if want, got := strings.Join(l.answers, "\n    "), strings.Join(told.lines[i].answers, "\n    "); want != got {
			fmt.Fprintf(&b, "\nline %d: %s\n  expected\n    %s\n  got\n    %s", l.number, l.text, want, got)
		}
	}
	if b.Len() == 0 {
		return nil
	}
	return fmt.Errorf("%w:%s", ErrAnswers, b.String())
}
