package sim

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A violation's cause is what two runs that fail for the same reason have in common. The check that finds it says so itself: it is the
// sentence that it says, in which whatever differs from run to run is a #, and what it marks as kept stands.
//
//	recovered-short: orders/0: replica 20000000c of broker 2 held index 3 durably, committed, and comes back with 2
//	recovered-short: a partition: replica # of broker # held index # durably, committed, and comes back with #
//
// Check and cause together are the signature, to which shrinking keeps (cmd/logsim, C6).

// detail is an argument of a violation's text, with what of it belongs to the cause.
type detail struct {
	what  any
	cause string
}

// kept is an argument that stands in the cause as it is: which request, which code.
func kept(what any) detail { return detail{what, fmt.Sprint(what)} }

// means is an argument that stands for something else in the cause.
func means(what any, cause string) detail { return detail{what, cause} }

// gist is what somebody else says, a broker or the checker: of its first line only numbers, times, names of topics and what is quoted or
// listed is taken for what differs from run to run.
func gist(what any) detail {
	text, _, _ := strings.Cut(fmt.Sprint(what), "\n")
	var b strings.Builder
	for len(text) > 0 {
		n := strings.IndexFunc(text, func(r rune) bool { return !inWord(r) })
		switch {
		case n < 0:
			n = len(text)
			fallthrough
		case n > 0:
			b.WriteString(gistOf(text[:n]))
		case text[0] == '"' || text[0] == '[':
			n = 1 + strings.IndexByte(text[1:], map[byte]byte{'"': '"', '[': ']'}[text[0]]) + 1
			if n == 1 { // it isn't closed
				n = len(text)
			}
			b.WriteString(map[byte]string{'"': `"#"`, '[': "[#]"}[text[0]])
		default:
			_, n = utf8.DecodeRuneInString(text)
			b.WriteString(text[:n])
		}
		text = text[n:]
	}
	return detail{what, b.String()}
}

func inWord(r rune) bool { return r == '.' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// gistOf is what a word says: one with a digit is a number, a time or a name made of one.
func gistOf(word string) string {
	switch {
	case strings.ContainsFunc(word, unicode.IsDigit):
		return "#"
	case slices.Contains(topicNames[:], word):
		return "topic"
	}
	return word
}

// named is a group's name, of which the cause has the kind: raft's groups hold quite different things.
func (g *groupSeen) named() detail { return detail{g.name, g.kind()} }

func (g *groupSeen) kind() string {
	switch g.part {
	case partMetadata:
		return "the metadata"
	case partGroups:
		return "a partition of consumer groups"
	}
	return "a partition"
}

// newViolation is what a check found, in its words.
func newViolation(name, format string, args []any) *Violation {
	text, cause := make([]any, len(args)), make([]any, len(args))
	for i, arg := range args {
		text[i], cause[i] = arg, "#"
		if t, ok := arg.(detail); ok {
			text[i], cause[i] = t.what, t.cause
		}
	}
	return &Violation{Name: name, Text: fmt.Sprintf(format, text...),
		Cause: strings.TrimRight(fmt.Sprintf(plain(format), cause...), "#\n :")}
}

// plain is a format with %s for each of its verbs.
func plain(format string) string {
	var b strings.Builder
	for {
		text, rest, found := strings.Cut(format, "%")
		b.WriteString(text)
		if !found {
			return b.String()
		}
		b.WriteString("%s")
		format = rest[strings.IndexFunc(rest, unicode.IsLetter)+1:]
	}
}

// Signature is what another run must end with to have failed for the same reason: the same check, and the same cause.
func (v *Violation) Signature() string { return v.Name + ": " + v.Cause }

// panicked is the cause of a panic: the invariant's number, or else what it says and the function that it comes from.
func panicked(value any, stack []byte) string {
	said := fmt.Sprint(value)
	if _, number, ok := strings.Cut(said, "invariant "); ok {
		if i := strings.IndexFunc(number, func(r rune) bool { return !inWord(r) }); i > 0 {
			return "invariant " + number[:i]
		}
	}
	_, frames, _ := strings.Cut(string(stack), "\npanic(")
	for line := range strings.Lines(frames) {
		if at, args, ok := strings.Cut(line, "("); ok && strings.HasPrefix(at, "logd/") {
			if strings.HasPrefix(args, "*") { // (*Shard).turn(...)
				method, _, _ := strings.Cut(args, "(")
				at += "(" + method
			}
			return gist(said).cause + " in " + strings.TrimSpace(at)
		}
	}
	return gist(said).cause
}

// Check is what found a violation: its name, or of a panic that is an assertion the invariant, as in "invariant R2".
func (v *Violation) Check() string {
	if _, number, ok := strings.Cut(v.Cause, "invariant "); ok && v.Name == Panicked {
		number, _, _ = strings.Cut(number+" ", " ")
		return "invariant " + strings.TrimRight(number, ":\n")
	}
	return v.Name
}
