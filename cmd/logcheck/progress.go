package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progress tells a person at a terminal how far a long input has been read.
type progress struct {
	out   io.Writer // nil: nobody looks
	in    *input
	begun time.Time
	last  time.Time
	shown bool
}

// progressEvery is how many operations pass between looks at the clock.
const progressEvery = 1 << 15

// newProgress is silent unless stderr is a terminal.
func newProgress(stderr io.Writer, in *input) *progress {
	p := &progress{in: in, begun: time.Now()}
	p.last = p.begun
	if f, ok := stderr.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			p.out = f
		}
	}
	return p
}

// at is called for every operation.
func (p *progress) at(ops int64) {
	if p.out == nil || ops%progressEvery != 0 {
		return
	}
	now := time.Now()
	if now.Sub(p.last) < time.Second {
		return
	}
	p.last, p.shown = now, true
	fmt.Fprintf(p.out, "\r\x1b[K%s", p.line(ops, now.Sub(p.begun)))
}

func (p *progress) line(ops int64, took time.Duration) string {
	perSecond := int64(float64(ops) / took.Seconds())
	if p.in.size == 0 {
		return fmt.Sprintf("%s: %d operations, %d/s", p.in.label, ops, perSecond)
	}
	return fmt.Sprintf("%s: %d operations, %d/s, %d%% of the file", p.in.label, ops, perSecond, p.in.read.n*100/p.in.size)
}

// end clears the line.
func (p *progress) end() {
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
