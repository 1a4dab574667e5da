package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func (a request) text(w *World) string {
	var b strings.Builder
	fmt.Fprintf(&b, "client %d %s", a.client, requestNames[a.kind])
	if a.kind == askDie {
		if a.at > 0 {
			fmt.Fprintf(&b, " at=%d", a.at)
		}
		return b.String()
	}
	if a.kind.ofPartition() {
		b.WriteString(" " + w.partName(a.part))
	}
	if a.kind == askBump {
		return b.String()
	}
	if a.kind.ofFleeting() {
		b.WriteString(" " + labelled(a.topic, a.index))
	}
	fmt.Fprintf(&b, " on=%d v=%d", w.nodes[a.node].id, a.version)
	switch a.kind {
	case askAppend:
		fmt.Fprintf(&b, " records=%d size=%d acks=%s", a.records, a.size, acksNames[a.acks])
		if a.late > 0 {
			fmt.Fprintf(&b, " late=%v", a.late)
		}
	case askRead:
		fmt.Fprintf(&b, " at=%d wait=%v bytes=%d of=%d", a.at, a.wait, a.most, a.mostOf)
		if a.rack > 0 {
			fmt.Fprintf(&b, " rack=%d", a.rack)
		}
		if a.session {
			b.WriteString(" session")
		}
	case askSend, askPut:
		fmt.Fprintf(&b, " records=%d size=%d at=%s", a.records, a.size, a.place())
	case askGet:
		fmt.Fprintf(&b, " at=%d wait=%v bytes=%d of=%d", a.at, a.wait, a.most, a.mostOf)
	case askCreate:
		fmt.Fprintf(&b, " records=%d copies=%d size=%d at=%d", a.records, a.copies, a.size, a.at)
	case askLeave, askCrash:
		if a.at > 0 {
			fmt.Fprintf(&b, " at=%d", a.at)
		}
	case askDelete:
		if a.byID {
			b.WriteString(" by-id")
		}
	case askLayout:
		fmt.Fprintf(&b, " records=%d at=%d", a.records, a.at)
	case askTrim, askTime, askEpoch, askResend, askCommit, askGhost, askMember, askEnd:
		fmt.Fprintf(&b, " at=%s", a.place())
	}
	return b.String()
}

// parseRequest reads client N KIND [P] name=value ...
func parseRequest(t *teller, args []string) (act, error) {
	number, err := strconv.Atoi(args[0])
	if err != nil || number < 2 || number >= finishers {
		return nil, fmt.Errorf("%q is no number of a client, 2 to %d", args[0], finishers-1)
	}
	i := slices.Index(requestNames[:], args[1])
	if i < 0 {
		return nil, fmt.Errorf("clients don't ask %q; they ask %s", args[1], strings.Join(requestNames[:], ", "))
	}
	a := request{client: number, kind: requestKind(i), part: -1, acks: -1, records: 1, size: 10, most: 1 << 16, mostOf: 1 << 16, version: 4}
	rest := args[2:]
	if a.kind.ofPartition() {
		if len(rest) == 0 {
			return nil, fmt.Errorf("which partition?")
		}
		if a.part, err = t.partition(rest[0]); err != nil {
			return nil, err
		}
		rest = rest[1:]
	}
	if a.kind.ofFleeting() {
		if len(rest) == 0 {
			return nil, fmt.Errorf("which topic?")
		}
		if a.topic, a.index, err = t.w.parseFleeting(rest[0]); err != nil {
			return nil, err
		}
		a.copies, rest = t.w.opt.Brokers, rest[1:]
	}
	for _, word := range rest {
		if err := a.set(t, word); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// set takes one name=value.
func (a *request) set(t *teller, word string) (err error) {
	name, value, _ := strings.Cut(word, "=")
	if name == "acks" {
		for _, acks := range []int16{-1, 0, 1} {
			if acksNames[acks] == value {
				a.acks = acks
				return nil
			}
		}
		return fmt.Errorf("acks are all, leader or none")
	}
	if word == "session" || word == "by-id" {
		a.session, a.byID = a.session || word == "session", a.byID || word == "by-id"
		return nil
	}
	switch name {
	case "at":
		if value == a.kind.usual() && value != "" {
			a.at = atUsual
			return nil
		}
	case "wait":
		a.wait, err = parseTime(value)
		return err
	case "late":
		a.late, err = parseTime(value)
		return err
	}
	if word == "on=leader" {
		value = "leader:" + t.w.partName(max(0, a.part))
	}
	if name == "on" {
		var node *node
		if node, err = t.broker(value); err == nil {
			a.node = node.index
		}
		return err
	}
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil || n < 0 {
		return fmt.Errorf("%q: no number", word)
	}
	switch name {
	case "v":
		a.version = int16(n)
	case "records":
		a.records = int(n)
	case "copies":
		a.copies = int(n)
	case "size":
		a.size = int(n)
	case "at":
		a.at = n
	case "rack":
		a.rack = int(n)
	case "bytes":
		a.most = int32(n)
	case "of":
		a.mostOf = int32(n)
	default:
		err = fmt.Errorf("what is %q?", word)
	}
	return err
}
