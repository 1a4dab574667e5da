package group

import (
	"regexp"
	"regexp/syntax"
	"slices"
)

// Bounds of regular expressions, which Kafka has none of: members' subscriptions are matched within a turn, whenever topics change.
const (
	maxRegex        = 4 << 10 // bytes of one
	maxInstructions = 10_000  // of the program that it is compiled to, at some 100 bytes and 100 ns each: repeats are written out in it
	maxRegexes      = 100     // of one group
)

// compileRegex makes a matcher of whole names. Go's syntax is RE2's, as that of Kafka's RE2/J.
func compileRegex(regex string) (*regexp.Regexp, fault) {
	if len(regex) > maxRegex {
		return nil, faulty(InvalidRegex, "SubscribedTopicRegex has %d bytes, the most is %d.", len(regex), maxRegex)
	}
	parsed, err := syntax.Parse(regex, syntax.Perl) // by itself: in parentheses "a)(b" would be one
	if err != nil {
		return nil, faulty(InvalidRegex, "SubscribedTopicRegex `%s` is not a valid regular expression: %v.", regex, err)
	}
	if n := instructions(parsed); n > maxInstructions {
		return nil, faulty(InvalidRegex, "SubscribedTopicRegex takes %d instructions with its repeats written out, the most is %d.", n, maxInstructions)
	}
	re, err := regexp.Compile(`\A(?:` + regex + `)\z`)
	if err != nil {
		return nil, faulty(InvalidRegex, "SubscribedTopicRegex `%s` is not a valid regular expression: %v.", regex, err)
	}
	return re, fault{}
}

// instructions is about how many a program for an expression has, which isn't compiled to tell: x{2,5} is xx(x(x(x)?)?)?, and x{2,}
// is xx+. The parser lets repeats within repeats multiply up to 1,000 only, so it doesn't overflow.
func instructions(re *syntax.Regexp) int {
	n := 1
	if re.Op == syntax.OpLiteral {
		n = len(re.Rune)
	}
	for _, sub := range re.Sub {
		n += instructions(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return n
}

func matching(re *regexp.Regexp, names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !re.MatchString(name) })
}
