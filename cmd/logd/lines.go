package main

import (
	"fmt"
	"io"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	lineQueue = 4096            // lines that wait for who reads them
	lastWords = 2 * time.Second // at the end, for the last lines to leave
)

// lineWriter passes lines on from one goroutine: who reads them may stall, and no shard waits for that (D1). Lines that find no
// room, or that can't be written, are dropped and counted, and the count is said in front of the next line that gets through.
type lineWriter struct {
	to      io.Writer
	queue   chan []byte
	asked   chan chan struct{} // to say when all that was queued before has left
	dropped atomic.Int64
}

func newLineWriter(to io.Writer) *lineWriter {
	w := &lineWriter{to: to, queue: make(chan []byte, lineQueue), asked: make(chan chan struct{})}
	go w.run()
	return w
}

// Write queues a line. It never waits and never fails.
func (w *lineWriter) Write(line []byte) (int, error) {
	select {
	case w.queue <- append([]byte(nil), line...):
	default:
		w.dropped.Add(1)
	}
	return len(line), nil
}

func (w *lineWriter) run() {
	for {
		select {
		case line := <-w.queue:
			w.pass(line)
		case done := <-w.asked:
			for n := len(w.queue); n > 0; n-- {
				w.pass(<-w.queue)
			}
			w.confess()
			close(done)
		}
	}
}

func (w *lineWriter) pass(line []byte) {
	w.confess()
	if _, err := w.to.Write(line); err != nil {
		w.dropped.Add(1)
	}
}

// confess says how many lines are missing here, if any.
func (w *lineWriter) confess() {
	n := w.dropped.Swap(0)
	if n == 0 {
		return
	}
	if _, err := fmt.Fprintf(w.to, "time=%s level=WARN msg=\"log lines were dropped: who reads them was too slow, or gone\" lines=%d\n", time.Now().Format(time.RFC3339Nano), n); err != nil {
		w.dropped.Add(n)
	}
}

// flush waits until what was queued has left, but no longer than that.
func (w *lineWriter) flush(atMost time.Duration) {
	late := time.After(atMost)
	done := make(chan struct{})
	select {
	case w.asked <- done:
	case <-late:
		return
	}
	select {
	case <-done:
	case <-late:
	}
}

// outliveReaders has a write to standard output or error whose reader is gone fail, instead of ending the process.
func outliveReaders() { signal.Ignore(syscall.SIGPIPE) }
