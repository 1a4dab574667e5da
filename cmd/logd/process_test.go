package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asLogd makes the test binary run as logd, so that tests start real processes of the code under test.
const asLogd = "TEST_BINARY_IS_LOGD"

func TestMain(m *testing.M) {
	if os.Getenv(asLogd) != "" {
		main()
	}
	os.Exit(m.Run())
}

// process is a logd that a test started.
type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   lines // stdout and stderr
	ended chan struct{}
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0], args...), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), asLogd+"=1")
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin = stdin
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	p.cmd.WaitDelay = time.Second
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait() // the state is looked at
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill() // an error means that it has ended
		<-p.ended
		if t.Failed() {
			t.Logf("logd %s:\n%s", strings.Join(args, " "), &p.out)
		}
	})
	return p
}

func (p *process) until(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(wait); !strings.Contains(p.out.String(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %q in %s", text, wait)
		}
	}
}

// exit waits for the end and returns the exit code, -1 if a signal ended it.
func (p *process) exit(t *testing.T) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(wait):
		t.Fatal("still running")
	}
	return p.cmd.ProcessState.ExitCode()
}

// freePorts returns n ports in a row from base, of which those 1000 above are free too, as they were a moment ago.
func freePorts(t *testing.T, n int) (base int) {
	t.Helper()
	for range 200 {
		l := localListener(t)
		base = l.Addr().(*net.TCPAddr).Port
		l.Close()
		free := base+n+peerPorts < 65535
		for i := 0; i < n && free; i++ {
			free = isFree(base+i) && isFree(base+i+peerPorts)
		}
		if free {
			return base
		}
	}
	t.Fatal("no free ports")
	return 0
}

func isFree(port int) bool {
	l, err := net.Listen("tcp", loopback(port))
	if err == nil {
		l.Close()
	}
	return err == nil
}

func serveArgs(t *testing.T, dir string, more ...string) []string {
	return append([]string{"serve", "--id", "1", "--peers", "1=" + loopback(freePorts(t, 1)), "--kafka", "127.0.0.1:0", "--data", dir,
		"--wal-files", "2", "--wal-file-bytes", "8388608", "--unsafe-no-sync"}, more...)
}

var kafkaAddr = regexp.MustCompile(`kafka=(127\.0\.0\.1:\d+)`)

func TestServeAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p := start(t, serveArgs(t, dir)...)
	p.until(t, "broker starts")
	addr := kafkaAddr.FindStringSubmatch(p.out.String())[1]
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	for { // it serves, under the port that it got
		m, err := askMetadata(ctx, addr)
		if err == nil && len(m.Brokers) == 1 && m.ControllerID == 1 && loopback(int(m.Brokers[0].Port)) == addr {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("doesn't serve: %+v, %v", m, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	second := start(t, serveArgs(t, dir)...)
	if code := second.exit(t); code != exitFailed {
		t.Errorf("a second process on the same directory: exit %d", code)
	}
	if want := fmt.Sprintf("locked by another process: pid %d has it", p.cmd.Process.Pid); !strings.Contains(second.out.String(), want) {
		t.Errorf("want %q:\n%s", want, &second.out)
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	if code := p.exit(t); code != exitOK {
		t.Errorf("exit %d after SIGTERM", code)
	}
	p.until(t, "broker stopped")
}

func TestServeEndsWithItsParent(t *testing.T) {
	p := start(t, serveArgs(t, filepath.Join(t.TempDir(), "data"), "--parent-fd", "0")...)
	p.until(t, "broker starts")
	p.stdin.Close()
	if code := p.exit(t); code != exitFailed {
		t.Errorf("exit %d", code)
	}
	p.until(t, "the process that started this broker is gone")
}

// D4: one clear line, and nothing touched.
func TestServeRefusesDirectory(t *testing.T) {
	made := filepath.Join(t.TempDir(), "data")
	p := start(t, serveArgs(t, made)...)
	p.until(t, "broker starts")
	p.cmd.Process.Kill()
	p.exit(t)
	meta, err := os.ReadFile(filepath.Join(made, "logd.meta"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	busy := localListener(t)
	defer busy.Close()
	for _, c := range []struct {
		name    string
		prepare func(*testing.T, string)
		args    []string
		want    string
	}{
		{"foreign", write("thesis.txt", "x"), nil, "has no logd.meta but thesis.txt: it is not one of logd's"},
		{"other broker", write("logd.meta", string(meta)), []string{"--id", "2", "--peers", "2=" + loopback(freePorts(t, 1))}, "it belongs to broker 1, this is broker 2"},
		{"other version", write("logd.meta", strings.Replace(string(meta), "logd 3\n", "logd 9\n", 1)), nil, "version 9, from a newer program: this one knows 3"},
		{"version 1", write("logd.meta", strings.Replace(string(meta), "logd 3\n", "logd 1\n", 1)), nil, "delete the directory of one broker at a time"},
		{"damaged", write("logd.meta", "\x00\x00\x00"), nil, "logd.meta"},
		{"other shards", write("logd.meta", string(meta)), []string{"--shards", "2"}, "it was made with --shards 1, which can't be changed to 2"},
		{"other files", write("logd.meta", string(meta)), []string{"--wal-files", "3"}, "it was made with --wal-files 2, which can't be changed to 3"},
		{"other sizes", write("logd.meta", string(meta)), []string{"--wal-file-bytes", "16777216"}, "it was made with --wal-file-bytes 8388608, which can't be changed to 16777216"},
		{"batches that don't fit", write("logd.meta", string(meta)), []string{"--wal-file-bytes", "0", "--max-message-bytes", "9000000"}, "--max-message-bytes is 9000000, WAL files of 8388608 bytes"},
		{"busy port", func(*testing.T, string) {}, []string{"--kafka", busy.Addr().String()}, "is in use by another process"},
		{"no parent", func(t *testing.T, dir string) { os.Remove(dir) }, []string{"--data", "/nowhere/at/all"}, "/nowhere/at/all: no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			c.prepare(t, dir)
			p := start(t, serveArgs(t, dir, c.args...)...)
			if code := p.exit(t); code != exitFailed {
				t.Errorf("exit %d", code)
			}
			out := p.out.String()
			if !strings.Contains(out, c.want) || strings.Count(out, "\n") != 1 {
				t.Errorf("want one line with %q, got:\n%s", c.want, out)
			}
		})
	}
}

// Sizes are fixed when the directory is formatted: what is refused hasn't formatted it, and what wasn't given is as it has.
func TestServeFormatsAtLast(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		left string
	}{
		{[]string{"--wal-file-bytes", "1048576"}, exitUsage, "[]"},
		{[]string{"--wal-file-bytes", "0", "--max-message-bytes", "16777216"}, exitFailed, "[logd.lock]"},
	} {
		dir := t.TempDir()
		p := start(t, serveArgs(t, dir, c.args...)...)
		if code := p.exit(t); code != c.code || !strings.Contains(p.out.String(), "--max-message-bytes is ") {
			t.Errorf("%q: exit %d, expected %d:\n%s", c.args, code, c.code, &p.out)
		}
		var left []string
		entries, err := os.ReadDir(dir)
		for _, e := range entries {
			left = append(left, e.Name())
		}
		if fmt.Sprint(left) != c.left {
			t.Errorf("%q left %q, expected %s: %v", c.args, left, c.left, err)
			continue
		}
		for _, more := range [][]string{nil, {"--wal-files", "0", "--wal-file-bytes", "0"}} {
			p = start(t, serveArgs(t, dir, more...)...)
			p.until(t, "broker starts")
			p.cmd.Process.Kill()
			p.exit(t)
		}
	}
}

var pidRow = regexp.MustCompile(`(?m)^  (\d) +127\.0\.0\.1:(\d+) +(\d+)$`)

// alive says whether a process runs; a zombie doesn't.
func alive(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	f, err := os.Open(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return !errors.Is(err, os.ErrNotExist) || !hasProc()
	}
	defer f.Close()
	line, _ := bufio.NewReader(f).ReadString('\n')
	return !strings.Contains(line, ") Z ")
}

func hasProc() bool {
	_, err := os.Stat("/proc/self/stat")
	return err == nil
}

func startDev(t *testing.T, dir string, brokers int, more ...string) (p *process, port int, pids []int) {
	t.Helper()
	port = freePorts(t, brokers)
	p = start(t, append([]string{"dev", "--brokers", strconv.Itoa(brokers), "--port", strconv.Itoa(port), "--data", dir, "--unsafe-no-sync",
		"--restart-after", "100ms"}, more...)...)
	p.until(t, "Ctrl-C stops all brokers")
	for _, row := range pidRow.FindAllStringSubmatch(p.out.String(), -1) {
		pid, _ := strconv.Atoi(row[3])
		pids = append(pids, pid)
	}
	if len(pids) != brokers {
		t.Fatalf("%d brokers in the table", len(pids))
	}
	return p, port, pids
}

func untilDead(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		for end := time.Now().Add(wait); alive(pid); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("process %d still runs", pid)
			}
		}
	}
}

// The whole life of a cluster: it serves, a killed broker comes back, what stands in the way is one line, Ctrl-C ends it.
func TestDev(t *testing.T) {
	t.Setenv("LOGD_ADVERTISE", "0.0.0.0:1") // is for a broker of one's own, and would be refused
	dir := filepath.Join(t.TempDir(), "a", "data")
	p, port, pids := startDev(t, dir, 3)
	for _, want := range []string{"3 brokers serve. Bootstrap address: " + loopback(port), "topic produce", "topic consume", "kill -9 "} {
		if !strings.Contains(p.out.String(), want) {
			t.Errorf("no %q", want)
		}
	}
	syscall.Kill(pids[1], syscall.SIGKILL)
	p.until(t, fmt.Sprintf("broker 2 (pid %d) died: signal: killed; it starts again in 100ms", pids[1]))
	p.until(t, "broker 2 started again, pid ")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--port", strconv.Itoa(port)}, "is in use by another process"},
		{[]string{"--port", strconv.Itoa(freePorts(t, 3))}, fmt.Sprintf("pid %d has it", p.cmd.Process.Pid)},
	} {
		other := start(t, append([]string{"dev", "--data", dir, "--unsafe-no-sync"}, c.args...)...)
		if code := other.exit(t); code != exitFailed || !strings.Contains(other.out.String(), c.want) || strings.Count(other.out.String(), "\n") != 1 {
			t.Errorf("exit %d, want one line with %q:\n%s", code, c.want, &other.out)
		}
	}
	p.cmd.Process.Signal(os.Interrupt)
	if code := p.exit(t); code != exitOK {
		t.Errorf("exit %d after Ctrl-C", code)
	}
	untilDead(t, pids)
	other := start(t, "dev", "--data", dir, "--unsafe-no-sync", "--brokers", "1", "--port", strconv.Itoa(freePorts(t, 1)))
	if code := other.exit(t); code != exitFailed || !strings.Contains(other.out.String(), "was made with --brokers 3 --shards 1, not 1 and 1") {
		t.Errorf("another count: exit %d:\n%s", code, &other.out)
	}
}

// D5: brokers end with dev, also when it can't say goodbye.
func TestDevKilled(t *testing.T) {
	p, _, pids := startDev(t, filepath.Join(t.TempDir(), "data"), 2, "--no-restart")
	syscall.Kill(pids[0], syscall.SIGKILL)
	p.until(t, "it stays dead (--no-restart)")
	p.cmd.Process.Kill()
	p.exit(t)
	untilDead(t, pids)
}

// A second Ctrl-C stops at once, although a broker is stuck.
func TestDevSecondInterrupt(t *testing.T) {
	p, _, pids := startDev(t, filepath.Join(t.TempDir(), "data"), 1)
	syscall.Kill(pids[0], syscall.SIGSTOP)
	p.cmd.Process.Signal(os.Interrupt)
	p.until(t, "Ctrl-C again stops at once")
	time.Sleep(sameSignal + 50*time.Millisecond) // less would be taken for the same signal
	p.cmd.Process.Signal(os.Interrupt)
	if code := p.exit(t); code != exitFailed {
		t.Errorf("exit %d", code)
	}
	if hasProc() { // elsewhere a stopped process can't see that its parent is gone
		untilDead(t, pids)
	} else {
		syscall.Kill(pids[0], syscall.SIGKILL)
	}
}

// S5: a WAL that may have lost a vote is set aside, and the broker comes back under a new incarnation, which joins.
func TestServeSetsAside(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p := start(t, serveArgs(t, dir)...)
	p.until(t, "partition=metadata")
	p.cmd.Process.Kill()
	p.exit(t)
	wal := filepath.Join(dir, "shard-0", "wal", "0000.wal")
	b, err := os.ReadFile(wal)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4096; i < 256<<10; i++ {
		b[i] ^= 0x55
	}
	if err := os.WriteFile(wal, b, 0o600); err != nil {
		t.Fatal(err)
	}
	p = start(t, serveArgs(t, dir)...)
	p.until(t, "a vote may be lost: the shards are set aside")
	p.until(t, "broker starts")
	p.cmd.Process.Kill()
	p.exit(t)
	meta, err := os.ReadFile(filepath.Join(dir, "logd.meta"))
	if err != nil || !strings.Contains(string(meta), "\njoins 1\nmoving 0000000000000000\n") {
		t.Errorf("%s: %v", meta, err)
	}
	kept, err := filepath.Glob(filepath.Join(dir, "aside-*-shard-0", "wal", "0000.wal"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("aside is %v: %v", kept, err)
	}
	if is, err := os.ReadFile(kept[0]); err != nil || string(is) != string(b) {
		t.Errorf("what is aside was changed: %v", err)
	}
}
