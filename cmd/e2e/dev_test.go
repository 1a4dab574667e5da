package e2e

import (
	"bufio"
	"fmt"
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

// devPorts returns the first of brokers ports in a row, of which those 1000 above are free too, as they were a moment ago.
func devPorts(t *testing.T) int {
	t.Helper()
	for range 200 {
		_, text, err := net.SplitHostPort(freeAddrs(t, 1)[0])
		if err != nil {
			t.Fatal(err)
		}
		base, _ := strconv.Atoi(text)
		free := base+1000+brokers <= 65535
		for i := 0; i < brokers && free; i++ {
			free = isFree(base+i) && isFree(base+1000+i)
		}
		if free {
			return base
		}
	}
	t.Fatal("no free ports")
	return 0
}

func isFree(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err == nil {
		l.Close() // was not used
	}
	return err == nil
}

// startDev starts logd dev and waits until it says that it serves.
func startDev(t *testing.T, dir, name string) (p *process, port int, said string) {
	t.Helper()
	command(t, "logd") // what is timed is not its build
	for try := 0; ; try++ {
		port = devPorts(t)
		start := time.Now()
		p = startProcess(t, filepath.Join(dir, fmt.Sprintf("%s-%d.log", name, try)), "dev", "--port", strconv.Itoa(port), "--data", filepath.Join(dir, "data"))
		await(t, "welcome", func() (bool, string) {
			said = readAll(p.log)
			return strings.Contains(said, "Ctrl-C stops all brokers") || !p.running(), tail(p.log, 20)
		})
		if p.running() {
			t.Logf("%s: serves after %s", name, time.Since(start).Round(time.Millisecond))
			return p, port, said
		}
		if try == 5 || !strings.Contains(said, inUse) {
			t.Fatalf("dev ended:\n%s", said)
		}
	}
}

var (
	devRow  = regexp.MustCompile(`(?m)^  (\d) +(127\.0\.0\.1:\d+) +(\d+)$`)
	devTry  = regexp.MustCompile(`(?m)^  (echo hello \| )?logctl (.*)$`)
	devKill = regexp.MustCompile(`(?m)^  kill -9 (\d+) `)
)

// One command is a cluster: what it prints works, a broker that is killed comes back, and nothing outlives it.
func TestDev(t *testing.T) {
	t.Parallel()
	dir := scratchDir(t)
	p, port, said := startDev(t, dir, "an empty directory")
	if want := fmt.Sprintf("Bootstrap address: 127.0.0.1:%d", port); !strings.Contains(said, want) {
		t.Errorf("no %q in:\n%s", want, said)
	}
	pids := devPids(t, said, port)
	tries := devTry.FindAllStringSubmatch(said, -1)
	kill := devKill.FindStringSubmatch(said)
	if len(tries) != 2 || kill == nil || pids[kill[1]] == "" {
		t.Fatalf("not three things to try:\n%s", said)
	}
	devTries(t, tries)

	pid, _ := strconv.Atoi(kill[1])
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil { // as it says
		t.Fatal(err)
	}
	died := fmt.Sprintf("logd dev: broker %s (pid %d) died: signal: killed; it starts again in 5s", pids[kill[1]], pid)
	again := regexp.MustCompile(`(?m)^logd dev: broker ` + pids[kill[1]] + ` started again, pid (\d+)$`)
	await(t, "restart", func() (bool, string) {
		said = readAll(p.log)
		return strings.Contains(said, died) && again.MatchString(said), tail(p.log, 20)
	})
	delete(pids, kill[1])
	pids[again.FindStringSubmatch(said)[1]] = "again"
	if n := strings.Count(said, "died"); n != 1 {
		t.Errorf("%d lines say that a broker died:\n%s", n, said)
	}

	p.signal(syscall.SIGKILL)
	p.exit(t)
	for pid := range pids {
		await(t, "end of broker "+pid, func() (bool, string) { return !alive(pid), "" })
	}

	p, port, said = startDev(t, dir, "the same directory again")
	pids = devPids(t, said, port)
	devTries(t, devTry.FindAllStringSubmatch(said, -1))
	p.signal(syscall.SIGINT)
	if code := p.exit(t); code != 0 {
		t.Errorf("exit %d after Ctrl-C:\n%s", code, tail(p.log, 20))
	}
	for pid := range pids {
		if alive(pid) {
			t.Errorf("broker with pid %s still runs after dev has ended", pid)
		}
	}
}

// devPids are the brokers by the pids that dev prints.
func devPids(t *testing.T, said string, port int) map[string]string {
	t.Helper()
	pids := map[string]string{}
	for i, row := range devRow.FindAllStringSubmatch(said, -1) {
		if row[1] != strconv.Itoa(i+1) || row[2] != fmt.Sprintf("127.0.0.1:%d", port+i) || !alive(row[3]) {
			t.Errorf("row %d of the table: %q", i+1, row[0])
		}
		pids[row[3]] = row[1]
	}
	if len(pids) != brokers {
		t.Fatalf("%d brokers in the table:\n%s", len(pids), said)
	}
	return pids
}

// devTries does what dev says that one could try.
func devTries(t *testing.T, tries [][]string) {
	t.Helper()
	for _, try := range tries {
		cmd := exec.Command(command(t, "logctl"), strings.Fields(try[2])...)
		if try[1] != "" {
			cmd.Stdin = strings.NewReader("hello\n")
		}
		out, err := cmd.Output()
		if err != nil || try[1] == "" && !strings.HasPrefix(string(out), "hello\n") {
			t.Errorf("%s: %v, printed %q", try[0], err, out)
		}
	}
}

// alive says whether a process runs; a zombie, which nobody has waited for yet, doesn't.
func alive(pid string) bool {
	n, err := strconv.Atoi(pid)
	if err != nil || syscall.Kill(n, 0) != nil {
		return false
	}
	f, err := os.Open("/proc/" + pid + "/stat")
	if err != nil {
		_, noProc := os.Stat("/proc/self/stat")
		return noProc != nil
	}
	defer f.Close()
	line, _ := bufio.NewReader(f).ReadString('\n')
	return !strings.Contains(line, ") Z ")
}
