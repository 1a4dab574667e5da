package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Loose returns cases in which clients ask whoever leads, and producers send what is next: so that less of what is left depends on what
// was taken away.
func (c *Case) Loose() (all []Case) {
	for _, verbs := range [][]string{{"append", "send", "resend", "read", "tail"}, {"send", "resend"}, {"append"}} {
		to, changed := Case{Options: c.Options, Decisions: slices.Clone(c.Decisions)}, false
		for i, d := range to.Decisions {
			if d.Words[0] != "client" || !slices.Contains(verbs, d.Words[2]) {
				continue
			}
			words := slices.Clone(d.Words)
			for k, word := range words {
				if name, _, _ := strings.Cut(word, "="); name == "on" {
					words[k] = "on=leader"
				} else if usual := usualOf(d.Words[2]); name == "at" && usual != "" {
					words[k] = "at=" + usual
				}
			}
			to.Decisions[i].Words, changed = words, changed || !slices.Equal(words, d.Words)
		}
		if changed {
			all = append(all, to)
		}
	}
	return all
}

func usualOf(verb string) string { return requestKind(slices.Index(requestNames[:], verb)).usual() }

// Simpler returns cases whose i-th decision says less.
func (c *Case) Simpler(i int) (all []Case) {
	for _, words := range simpler(c.Decisions[i].Words) {
		to := Case{Options: c.Options, Decisions: slices.Clone(c.Decisions)}
		to.Decisions[i].Words = words
		all = append(all, to)
	}
	return all
}

// simpler returns commands that say less than one does.
func simpler(words []string) (all [][]string) {
	with := func(i int, word string) {
		if words[i] != word {
			to := slices.Clone(words)
			to[i] = word
			all = append(all, to)
		}
	}
	without := func(name string) {
		for i, word := range words {
			if strings.HasPrefix(word, name+"=") {
				all = append(all, slices.Delete(slices.Clone(words), i, i+1))
			}
		}
	}
	switch words[0] {
	case "when", "power", "crash", "pause", "isolate", "stop":
		if i := slices.Index(words, "random"); i > 0 {
			for _, keep := range []string{"none", "all"} {
				to := slices.Clone(words)
				to[i] = keep
				if seed := to[i+1:]; len(seed) > 0 && !strings.Contains(seed[0], "=") {
					to = slices.Delete(to, i+1, i+2)
				}
				all = append(all, to)
			}
		}
		for i, word := range words[2:] {
			if _, err := strconv.Atoi(word); err == nil && words[0] == "crash" {
				all = append(all, slices.Delete(slices.Clone(words), i+2, i+3))
			}
		}
		for _, name := range []string{"killed", "share", "delay", "within", "back", "for"} {
			without(name)
		}
		for i, word := range words {
			if strings.HasPrefix(word, "back=") {
				with(i, "back=20ms")
			}
		}
	case "start":
		if len(words) > 2 {
			all = append(all, words[:2])
		}
	case "rot", "bad", "zero":
		all = simplerPlace(words)
	case "clog", "tire", "full", "slow", "lag", "clock":
		last := len(words) - 1
		if d, err := time.ParseDuration(words[last]); err == nil && d > time.Millisecond {
			with(last, (d / 2).Truncate(time.Millisecond).String())
		} else if n, err := strconv.ParseInt(words[last], 10, 64); err == nil && n > 1 {
			with(last, strconv.FormatInt(n/2, 10))
		}
	case "client":
		return simplerRequest(words)
	}
	return all
}

// simplerRequest returns requests that say less than one does.
func simplerRequest(words []string) (all [][]string) {
	with := func(i int, word string) {
		if words[i] != word {
			to := slices.Clone(words)
			to[i] = word
			all = append(all, to)
		}
	}
	with(1, "2")
	for i, word := range words {
		name, value, _ := strings.Cut(word, "=")
		if _, err := strconv.Atoi(value); err == nil && name == "on" && namesPartition(words[2]) {
			with(i, "on=leader")
		}
		if to, ok := simplest[name]; ok && value != to && (name != "v" || slices.Contains(fourth, words[2])) {
			with(i, name+"="+to)
		}
		if usual := usualOf(words[2]); name == "at" && usual != "" {
			with(i, "at="+usual)
		}
		if n, err := strconv.Atoi(value); err == nil && name == "size" && n > 20 {
			with(i, fmt.Sprintf("size=%d", n/2))
		} else if err == nil && name == "at" && n > 0 { // what lies before need not be appended then
			with(i, "at=0")
			with(i, fmt.Sprintf("at=%d", n/2))
		}
	}
	return all
}

// simplerPlace says where in a WAL in words, or nearer to the file's begin.
func simplerPlace(words []string) (all [][]string) {
	if len(words) != 5 || words[2] != "file" {
		return nil
	}
	to := func(place ...string) { all = append(all, slices.Concat(words[:2], place)) }
	if folder, _, ok := strings.Cut(words[3], "/wal/"); ok {
		shard := "shard=" + strings.TrimPrefix(folder, "shard-")
		for _, group := range []string{"group=entries", "group=last"} {
			for _, part := range []string{"payload", "directory", "second"} {
				to("wal", shard, group, part)
			}
		}
	}
	if at, err := strconv.ParseInt(words[4], 10, 64); err == nil && at > pageSize {
		to("file", words[3], strconv.FormatInt(at/2&^(pageSize-1)+at%pageSize, 10))
	}
	return all
}

// fourth are the requests that have a version 4 which does the same.
var fourth = []string{"append", "send", "resend", "read", "tail", "start-of", "metadata"}

// simplest is what of a request says least.
var simplest = map[string]string{"records": "1", "size": "10", "acks": "all", "v": "4", "wait": "0s", "bytes": "65536", "of": "65536"}
