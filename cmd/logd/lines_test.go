package main

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"logd/broker"
)

// stalled is a reader of lines that takes nothing until it is let.
type stalled struct {
	lines
	let chan struct{}
}

func (s *stalled) Write(p []byte) (int, error) {
	<-s.let
	return s.lines.Write(p)
}

// A shard that logs in each turn answers although nobody reads its lines; later it is said how many are missing.
func TestStalledReaderOfLines(t *testing.T) {
	to := &stalled{let: make(chan struct{})}
	w := newLineWriter(to)
	const each = 64
	r := runNodeSaying(t, slog.New(slog.NewTextHandler(w, nil)), 1, nil, nil, fake(func(now broker.Now, events []broker.Event, out *broker.Output) {
		for range each {
			out.Logs = append(out.Logs, broker.LogEvent{Level: broker.LevelInfo, Text: "chatter"})
		}
		echo(now, events, out)
	}))
	nc := r.dial(t)
	nc.SetDeadline(time.Now().Add(wait / 4))
	for range 2 * lineQueue / each {
		nc.Write([]byte("hello"))
		if _, err := io.ReadFull(nc, make([]byte, 5)); err != nil {
			close(to.let)
			t.Fatalf("a shard waits for who reads its lines: %v", err)
		}
	}
	w.flush(time.Millisecond) // comes back
	close(to.let)
	w.flush(wait)
	if !strings.Contains(to.String(), "log lines were dropped: who reads them was too slow, or gone\" lines=") {
		t.Error("nothing says that lines are missing")
	}
}

// failing fails until it is told not to.
type failing struct {
	lines
	err error
}

func (f *failing) Write(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return f.lines.Write(p)
}

// Lines leave in order, none is missing unsaid, and what is queued at the end has left after flush.
func TestLinesAreCounted(t *testing.T) {
	to := &failing{err: errors.New("gone")}
	w := newLineWriter(to)
	for range 3 {
		w.Write([]byte("lost\n"))
	}
	w.flush(wait)
	to.err = nil
	line := []byte("a\n")
	w.Write(line)
	line[0] = 'x' // the caller's again
	w.Write([]byte("b\n"))
	w.flush(wait)
	if got := to.String(); !strings.HasSuffix(got, "lines=3\na\nb\n") || strings.Contains(got, "lost\n") {
		t.Errorf("came:\n%s", got)
	}
}

// A broker goes on when the process that reads what it says is gone.
func TestServeOutlivesItsReader(t *testing.T) {
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], serveArgs(t, filepath.Join(t.TempDir(), "data"))...)
	cmd.Env = append(os.Environ(), asLogd+"=1")
	cmd.Stderr = to
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill() // an error means that it has ended
	to.Close()               // the child has its own
	for lines := bufio.NewScanner(from); lines.Scan() && !strings.Contains(lines.Text(), "broker starts"); {
	}
	from.Close() // its last lines find nobody
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("a broker whose reader is gone ended with %v, expected it to stop as asked", err)
	}
}
