package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// line is what a client's program prints of a record or an offset.
type line struct {
	Partition *int32 `json:"p"`
	Offset    *int64 `json:"o"`
	Key       string `json:"k"`
	Value     string `json:"v"`
	Header    string `json:"n"`
	Time      int64  `json:"t"`
}

// run runs a command of a client's program, which must end well, and returns its lines.
func (f *foreign) run(t *testing.T, command string, c *cluster, args ...string) []line {
	t.Helper()
	m := f.start(t, command, c, args...)
	m.wait(t)
	return m.seen()
}

// member is a program that runs; its lines are taken as it prints them.
type member struct {
	what  string
	cmd   *exec.Cmd
	stdin io.Closer
	ended chan struct{}
	err   error // once ended

	mu    sync.Mutex
	lines []line
	bad   string
	errs  bytes.Buffer
}

func (f *foreign) start(t *testing.T, command string, c *cluster, args ...string) *member {
	t.Helper()
	argv := append(append(f.argv[:len(f.argv):len(f.argv)], command, strings.Join(c.addrs(), ",")), args...)
	m := &member{what: f.name + " " + command + " " + strings.Join(args, " "), cmd: exec.Command(argv[0], argv[1:]...), ended: make(chan struct{})}
	stdout, err := m.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if m.stdin, err = m.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	m.cmd.Stderr = &lockedWriter{m}
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		m.take(stdout)
		m.err = m.cmd.Wait()
		close(m.ended)
	}()
	t.Cleanup(func() {
		m.stdin.Close() // a script ends what it started when this ends
		select {
		case <-m.ended:
		case <-time.After(10 * time.Second):
			m.cmd.Process.Kill()
			<-m.ended
		}
		if t.Failed() && m.errs.Len() > 0 {
			said := m.errs.Bytes()
			t.Logf("%s says:\n%s", m.what, said[max(0, len(said)-2000):])
		}
	})
	return m
}

type lockedWriter struct{ m *member }

func (w *lockedWriter) Write(b []byte) (int, error) {
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	return w.m.errs.Write(b)
}

func (m *member) take(stdout io.Reader) {
	in := bufio.NewScanner(stdout)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var l line
		err := json.Unmarshal(in.Bytes(), &l)
		m.mu.Lock()
		if err != nil {
			m.bad = fmt.Sprintf("%q: %v", in.Text(), err)
		} else {
			l.Header = strings.TrimPrefix(l.Header, "n=") // kcat shows names too
			m.lines = append(m.lines, l)
		}
		m.mu.Unlock()
	}
}

func (m *member) seen() []line {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lines[:len(m.lines):len(m.lines)]
}

// wait waits until the program has ended, and well.
func (m *member) wait(t *testing.T) {
	t.Helper()
	select {
	case <-m.ended:
	case <-time.After(patience):
		t.Fatalf("%s still runs after %s", m.what, patience)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil || m.bad != "" {
		t.Fatalf("%s: %v %s\n%s", m.what, m.err, m.bad, m.errs.String())
	}
}

// leave ends a member of a group by ending its input, and waits until it is gone.
func (m *member) leave(t *testing.T) {
	t.Helper()
	m.stdin.Close()
	m.wait(t)
}

// folder copies a client's sources to a directory of this run: nothing is built within the module.
func (f *foreign) folder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(scratchDir(t), f.name)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(moduleRoot, "testdata", "clients", f.name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// tool runs a build tool in a folder.
func tool(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		lacking(t, name+" is not installed")
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s in %s: %v\n%s", cmd, dir, err, out)
	}
}

func buildGo(t *testing.T, f *foreign) []string {
	dir := f.folder(t)
	tool(t, dir, "go", "build", "-o", "program", ".")
	return []string{filepath.Join(dir, "program")}
}

func buildKcat(t *testing.T, f *foreign) []string {
	if _, err := exec.LookPath("kcat"); err != nil {
		lacking(t, "kcat is not installed (Debian: apt-get install kcat)")
	}
	return []string{"bash", filepath.Join(f.folder(t), "kcat.sh")}
}

func buildNode(t *testing.T, f *foreign) []string {
	dir := f.folder(t)
	tool(t, dir, "npm", "ci", "--no-audit", "--no-fund")
	return []string{"node", filepath.Join(dir, "main.js")}
}

func buildPython(t *testing.T, f *foreign) []string {
	dir := f.folder(t)
	tool(t, dir, "python3", "-m", "venv", "venv")
	python := filepath.Join(dir, "venv", "bin", "python")
	tool(t, dir, python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt")
	return []string{python, filepath.Join(dir, "main.py")}
}

func buildJava(t *testing.T, f *foreign) []string {
	dir := f.folder(t)
	tool(t, dir, "mvn", "--quiet", "--batch-mode", "package")
	return []string{"java", "-Xmx256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", filepath.Join(dir, "target", "classes") + ":" + filepath.Join(dir, "target", "lib", "*"), "clients.Main"}
}
