package main

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"

	"logd/sim"
)

// met are the failures that a shrinking came by and didn't take, since their signature is another one (C6): of each the smallest case.
// They are others' stories, and may be what nobody has found yet.
type met []otherFailure

type otherFailure struct {
	violation *sim.Violation
	sound     bool // of the code without the mutant
	least     sim.Case
	times     int
}

// mostMet bounds the signatures of which a case is kept; the first ones are.
const mostMet = 32

// note takes what became of a candidate that isn't taken, and tells whether its signature is new. One that can't be told, or not in
// time, is no failure.
func (m *met) note(v *sim.Violation, c *sim.Case, sound bool) bool {
	if v == nil || v.Name == notTold || v.Name == sim.WorkerDied && v.Cause == overLimit {
		return false
	}
	i := slices.IndexFunc(*m, func(o otherFailure) bool { return o.sound == sound && o.violation.Signature() == v.Signature() })
	if i < 0 && len(*m) < mostMet {
		*m = append(*m, otherFailure{violation: v, sound: sound, least: *c, times: 1})
		return true
	}
	if i < 0 {
		return false
	}
	o := &(*m)[i]
	if o.times++; len(c.Decisions) < len(o.least.Decisions) {
		o.violation, o.least = v, *c
	}
	return false
}

// keepMet says what else was met, the most frequent first, and writes a story of each, unless it is a failure of a mutant: what else
// that breaks is no news. Those of the code itself are.
func (a *app) keepMet(m met, prefix, mutant, of string) error {
	slices.SortStableFunc(m, func(a, b otherFailure) int { return cmp.Compare(b.times, a.times) })
	for _, o := range m {
		said, file := "another failure was met", ""
		switch {
		case mutant != "" && !o.sound:
			said = "another failure of the mutant was met"
		case mutant != "":
			said = "a failure of the code without the mutant was met"
			fallthrough
		default:
			file = fmt.Sprintf("%s.%s-%04x.txt", prefix, o.violation.Name, signatureHash(o.violation))
		}
		text := fmt.Sprintf("%s, %d times: %s", said, o.times, o.violation.Signature())
		if file != "" {
			why := fmt.Sprintf("%s\nMet while %s was shrunk; %d decisions, not shrunk themselves%s.", reason(o.violation), of, len(o.least.Decisions), version())
			if err := writeAtomically(file, []byte(o.least.Story(why, o.violation))); err != nil {
				return err
			}
			text += fmt.Sprintf("; kept as %s: logsim shrink --from %s", file, file)
		}
		fmt.Fprintln(a.err, text)
	}
	return nil
}

// signatureHash tells files of different causes apart.
func signatureHash(v *sim.Violation) uint16 {
	h := fnv.New32a()
	h.Write([]byte(v.Signature()))
	return uint16(h.Sum32())
}
