package sim

import (
	"fmt"
	"time"

	"logd/checker"
)

// closer has a fleeting topic there at last, whoever made it, and does with each of its partitions what finishers do with others: it
// appends, asks for the end, and reads all.
type closer struct {
	topic, index int
	stage        closing
	life         *life
	at, end      int64
	misses       int
	refusal      string // the last
}

type closing int

const (
	closeMake closing = iota
	closeFind
	closeAppend
	closeTail
	closeStart
	closeRead
	closed
)

func (r *closer) act(c *client) {
	if c.inflight > 0 || r.stage == closed {
		return
	}
	w, know := c.w, c.knows(r.topic)
	a := request{part: -1, topic: r.topic, index: r.index, acks: -1, records: 1, size: 10, node: c.rng.IntN(w.opt.Brokers)}
	if r.stage > closeFind {
		if know.life == nil || know.life != r.life || r.index >= len(know.leaders) || know.leaders[r.index] < 0 {
			r.stage = closeFind
		} else {
			a.node = know.leaders[r.index]
		}
	}
	switch r.stage {
	case closeMake:
		a.kind, a.version = askCreate, 7
		a.records, a.copies = fleetingParts, w.opt.Brokers
	case closeFind:
		a.kind, a.version = askTopic, 10
	case closeAppend:
		a.kind, a.version = askPut, 13
	case closeTail:
		a.kind, a.version = askEnd, 4
	case closeStart:
		a.kind, a.version, a.at = askEnd, 4, 1
	case closeRead:
		a.kind, a.version, a.at, a.most, a.mostOf = askGet, 13, r.at, 1<<16, 1<<16
	}
	c.ask(a)
}

func (r *closer) done(c *client, k *call) {
	if k.change != nil {
		r.made(c, k)
		return
	}
	if !good(k) || k.life != r.life {
		if k.code == codeUnknownID || k.code == codeUnknownTopic {
			r.stage = closeMake
		} else if k.code == codeOutOfRange {
			r.stage = closeStart
		}
		r.missed(c, k)
		return
	}
	switch r.stage {
	case closeAppend:
		r.stage = closeTail
	case closeTail:
		r.stage, r.end = closeStart, k.op.Off
	case closeStart:
		r.stage, r.at = closeRead, k.op.Off
	case closeRead:
		if r.at += int64(len(k.op.Values)); r.at >= r.end {
			r.next(c)
			return
		}
	}
	c.soon(time.Millisecond)
}

func (r *closer) made(c *client, k *call) {
	if k.change.clear && k.code == codeNone {
		r.stage = closeFind
		c.soon(retryAfter)
		return
	}
	r.missed(c, k)
}

// found takes what Metadata said.
func (r *closer) found(c *client) {
	know := c.knows(r.topic)
	switch {
	case know.life == nil:
		r.misses++
		r.stage = closeMake
	case r.index < len(know.leaders) && know.leaders[r.index] >= 0 && r.stage == closeFind:
		r.life, r.stage = know.life, closeAppend
	}
}

func (r *closer) missed(c *client, k *call) {
	r.misses++
	r.refusal = fmt.Sprintf("broker %d answers %d %s", k.line.node+1, k.code, refusalCodes[k.code])
	if k.op.Outcome != checker.OK && k.code == codeNone {
		r.refusal = fmt.Sprintf("broker %d doesn't answer", k.line.node+1)
	}
	c.soon(c.pause(retryAfter))
}

// next goes on with the next partition of the same life, or has finished.
func (r *closer) next(c *client) {
	if r.index+1 < len(c.knows(r.topic).leaders) {
		r.index++
		r.stage = closeFind
		c.soon(time.Millisecond)
		return
	}
	r.stage = closed
	c.over = true
	c.w.maybeOver()
}

// waits says what it waits for.
func (r *closer) waits() string {
	if r.stage == closed {
		return ""
	}
	what := [...]string{"it is made", "it is known who leads it", "its append is acknowledged", "its end is told", "its start is told", fmt.Sprintf("offsets %d to %d are read", r.at, r.end)}[r.stage]
	text := fmt.Sprintf("\n  %s waits until %s; %d attempts failed", labelled(r.topic, r.index), what, r.misses)
	if r.refusal != "" {
		text += ", the last: " + r.refusal
	}
	return text
}
