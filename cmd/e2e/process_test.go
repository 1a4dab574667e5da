package e2e

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a logd that a test started.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	log   string // file of its stdout and stderr
	ended chan struct{}
}

// startProcess starts logd; what it prints is added to a file. It ends with this process, however this ends: a serve is told
// to watch its stdin.
func startProcess(t testing.TB, log string, args ...string) *process {
	t.Helper()
	if args[0] == "serve" {
		args = append(args[:len(args):len(args)], "--parent-fd", "0")
	}
	p := &process{cmd: exec.Command(command(t, "logd"), args...), log: log, ended: make(chan struct{})}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "LOGD_") {
			p.cmd.Env = append(p.cmd.Env, v)
		}
	}
	out, err := os.OpenFile(log, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close() // the child has its own
	p.cmd.Stdout, p.cmd.Stderr = out, out
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin = stdin
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait() // its state is looked at
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.signal(syscall.SIGKILL)
		<-p.ended
	})
	return p
}

func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// signal is for a process that may have ended: then nothing happens (E3).
func (p *process) signal(sig syscall.Signal) { p.cmd.Process.Signal(sig) }

// exit waits for the end and returns the exit code, -1 if a signal ended it.
func (p *process) exit(t testing.TB) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatalf("pid %d still runs after %s:\n%s", p.cmd.Process.Pid, patience, tail(p.log, 20))
	}
	return p.cmd.ProcessState.ExitCode()
}

// until waits for a text in what the process prints.
func (p *process) until(t testing.TB, text string) string {
	t.Helper()
	var all string
	await(t, fmt.Sprintf("%q", text), func() (bool, string) {
		all = readAll(p.log)
		return strings.Contains(all, text), tail(p.log, 20)
	})
	return all
}

func readAll(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// tail is the last lines of a file.
func tail(file string, lines int) string {
	all := strings.Split(strings.TrimSpace(readAll(file)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func lastLine(file string) string { return tail(file, 1) }
