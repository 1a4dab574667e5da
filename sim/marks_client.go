package sim

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"logd/checker"
)

// markLoad counts what the storm's clients came by. Those of the calm read everything in any case, and would hide that nobody did before.
func (w *World) markLoad(m Mark) {
	if w.phase == phaseStorm {
		w.mark(m, nil)
	}
}

// someRecords is the length from which on a log is no longer one that has just begun.
const someRecords = 20

// markAsked looks at what is under way when a client's operation begins.
func (w *World) markAsked(k *call, client int) {
	switch k.op.Kind {
	case checker.Append:
		if slices.ContainsFunc(w.appending[k.part], func(other int) bool { return other != client }) {
			w.markLoad(MarkAppendsOverlap)
		}
		w.appending[k.part] = append(w.appending[k.part], client)
	case checker.Tail:
		if len(w.appending[k.part]) > 0 {
			w.markLoad(MarkTailInAppend)
		}
		w.asking[k.line.node]++
	case checker.Read:
		k.atEnd = k.op.From >= w.views.known[k.part]
	}
}

// markEnded looks at what a client's operation brought.
func (w *World) markEnded(k *call, client int) {
	switch k.op.Kind {
	case checker.Append:
		if i := slices.Index(w.appending[k.part], client); i >= 0 {
			w.appending[k.part] = slices.Delete(w.appending[k.part], i, i+1)
		}
		if len(k.op.Values) > 20 && k.op.Outcome == checker.OK {
			w.markLoad(MarkBigBatch)
		}
		if k.op.Outcome == checker.Unknown {
			for _, v := range k.op.Values {
				w.unclear[v] = true
			}
		}
	case checker.Tail:
		w.asking[k.line.node]--
	case checker.Read:
		if k.op.Outcome == checker.OK {
			w.markRead(k)
		}
	}
}

func (w *World) markRead(k *call) {
	n := int64(len(k.op.Values))
	if k.atEnd {
		w.markLoad(MarkReadAtEnd)
		if n > 0 {
			w.markLoad(MarkPollWoken)
		} else {
			w.markLoad(MarkPollExpired)
		}
	}
	if n == 0 {
		return
	}
	for _, g := range w.views.groups {
		if g.part == k.part && !g.replicas[k.line.node].leader {
			w.markLoad(MarkReadFollower)
		}
	}
	start, end := w.views.told[k.part], w.views.known[k.part]
	switch from := k.op.From; {
	case from == start && end-from >= someRecords:
		w.markLoad(MarkReadFromStart)
	case from > start && from+n < end:
		w.markLoad(MarkReadFromMiddle)
	}
	if len(w.unclear) > 0 {
		for _, v := range k.op.Values {
			if w.unclear[v] {
				w.markLoad(MarkUnclearRead)
				delete(w.unclear, v)
			}
		}
	}
	if len(w.lates) > 0 {
		for _, v := range k.op.Values {
			if w.lates[v] {
				w.markLoad(MarkLateLands)
				delete(w.lates, v)
			}
		}
	}
	w.markBoundary(k, n)
}

// markBoundary compares a read with where any broker has begun a segment.
func (w *World) markBoundary(k *call, n int64) {
	for _, g := range w.views.groups {
		if g.part != k.part || len(g.bases) == 0 {
			continue
		}
		if g.bases[k.op.From] && k.op.From > 0 {
			w.markLoad(MarkReadBoundary)
		}
		for at := k.op.From + 1; at < k.op.From+n; at++ {
			if g.bases[at] {
				w.markLoad(MarkReadAcross)
				return
			}
		}
	}
}

// segmentMade notes where a segment begins.
func (v *views) segmentMade(file string) {
	dir, base := path.Split(file)
	group, err := strconv.ParseUint(path.Base(dir), 10, 64)
	if g := v.find(group); err == nil && g != nil {
		if at, err := strconv.ParseInt(strings.TrimSuffix(base, ".log"), 10, 64); err == nil {
			if g.bases == nil {
				g.bases = map[int64]bool{}
			}
			g.bases[at] = true
		}
	}
}

// markDouble looks at an envelope's second copy when it arrives.
func (w *World) markDouble(from, to *node, boot uint64, elections int64) {
	if from.boots != boot {
		w.mark(MarkDoubleAfterBoot, to)
	}
	if w.count[CountElections] > elections {
		w.mark(MarkDoubleAfterElection, to)
	}
	if w.asking[to.index] > 0 && to.proc != nil {
		w.mark(MarkDoubleInReadIndex, to)
	}
}
