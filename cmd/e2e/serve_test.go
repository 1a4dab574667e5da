package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// lone is the command line of a broker that is a cluster by itself. Later flags take the place of earlier ones.
func lone(t *testing.T, data string, more ...string) []string {
	t.Helper()
	addrs := freeAddrs(t, 2)
	return append([]string{"serve", "--id", "1", "--peers", "1=" + addrs[0], "--kafka", addrs[1], "--data", data,
		"--wal-files", "2", "--wal-file-bytes", "8388608"}, more...)
}

// What serve can't or mustn't do it refuses: one clear line, and an exit code that isn't 0.
func TestServeRefusals(t *testing.T) {
	t.Parallel()
	dir := scratchDir(t)
	data := filepath.Join(dir, "data")
	first := startProcess(t, filepath.Join(dir, "first.log"), lone(t, data)...)
	first.until(t, "broker starts")
	refused := func(name, want string, args ...string) {
		t.Helper()
		log := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".log")
		code := startProcess(t, log, args...).exit(t)
		said := strings.Split(strings.TrimSpace(readAll(log)), "\n")
		if len(said) == 2 && said[1] == "run 'logd serve --help' for its usage" {
			said = said[:1]
		}
		if code == 0 || code == -1 || len(said) != 1 || !strings.Contains(said[0], want) {
			t.Errorf("%s: exit %d, want one line with %q:\n%s", name, code, want, readAll(log))
		}
	}
	refused("a second process", fmt.Sprintf("%s: locked by another process: pid %d has it", data, first.cmd.Process.Pid), lone(t, data)...)
	refused("a busy port", inUse, lone(t, filepath.Join(dir, "busy"), "--kafka", first.arg("--kafka"))...)
	refused("a wildcard", "--advertise", lone(t, filepath.Join(dir, "wildcard"), "--kafka", "0.0.0.0:9092", "--insecure")...)
	refused("another machine's reach", "--insecure", lone(t, filepath.Join(dir, "reach"), "--kafka", "0.0.0.0:9092", "--advertise", "127.0.0.1:9092")...)
	refused("no address of this machine", "--insecure", lone(t, filepath.Join(dir, "address"), "--kafka", "192.0.2.1:9092")...)

	first.signal(syscall.SIGTERM)
	if code := first.exit(t); code != 0 {
		t.Errorf("exit %d after SIGTERM:\n%s", code, tail(first.log, 20))
	}
	first.until(t, "broker stopped")

	refused("another broker's directory", "it belongs to broker 1, this is broker 2", lone(t, data, "--id", "2", "--peers", "2="+freeAddrs(t, 1)[0])...)
	refused("other shards", "it was made with --shards 1, which can't be changed to 2", lone(t, data, "--shards", "2")...)
	refused("other files", "it was made with --wal-files 2, which can't be changed to 4", lone(t, data, "--wal-files", "4")...)
	meta := filepath.Join(data, "logd.meta")
	text, err := os.ReadFile(meta)
	if err != nil {
		t.Fatal(err)
	}
	spare := filepath.Join(data, "logd.meta.copy")
	_, fields, _ := strings.Cut(string(text), "\n")
	for name, changed := range map[string]string{
		"version 99, from a newer program": "logd 99\n" + fields,
		"logd.meta":                        strings.Replace(string(text), "shards 1\n", "shards 2\n", 1), // its checksum is wrong
	} {
		if err := os.WriteFile(spare, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(meta, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		refused("meta "+name[:4], name, lone(t, data)...)
	}
	if err := os.WriteFile(meta, text, 0o600); err != nil {
		t.Fatal(err)
	}
	again := startProcess(t, filepath.Join(dir, "again.log"), lone(t, data)...) // none of that has touched it
	again.until(t, "broker starts")
	again.signal(syscall.SIGTERM)
	if code := again.exit(t); code != 0 {
		t.Errorf("exit %d after SIGTERM:\n%s", code, tail(again.log, 20))
	}
}

// arg is the value of a flag that the process was started with.
func (p *process) arg(flag string) string {
	for i, a := range p.cmd.Args {
		if a == flag {
			return p.cmd.Args[i+1]
		}
	}
	return ""
}

// A directory of another cluster takes no part in this one, and nothing from it. It says in one line what is wrong.
func TestServeOtherCluster(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	c.createTopic(t, "kept", brokers)
	other := filepath.Join(c.dir, "other")
	stranger := startProcess(t, filepath.Join(c.dir, "stranger.log"), lone(t, other)...)
	stranger.until(t, "partition=metadata")
	stranger.signal(syscall.SIGTERM)
	stranger.exit(t)
	n := c.nodes[0]
	n.stop(t)
	n.data, n.args = other, append(n.args, "--data", other)
	n.start(t)
	await(t, "refusal", func() (bool, string) { return foreignCluster.MatchString(readAll(n.log)), tail(n.log, 5) })
	for _, m := range c.others(n) {
		md, err := m.metadata("kept")
		if err != nil || len(md.Topics["kept"].Partitions) != brokers {
			t.Errorf("broker %d lost its topic: %v, %v", m.id, md.Topics, err)
		}
	}
	if code := n.proc.exit(t); code != 1 {
		t.Errorf("exit code %d of a broker whose directory is of another cluster, expected 1: %s", code, tail(n.log, 5))
	}
	if !wrongDirectory.MatchString(readAll(n.log)) {
		t.Errorf("no clear line: %s", tail(n.log, 5))
	}
}

// wrongDirectory is what a broker says last when its directory is of another cluster than all others.
var wrongDirectory = regexp.MustCompile(`this directory is of cluster \S{22}, but the brokers listed in --peers are of cluster \S{22}`)

// foreignCluster is what a broker says of another's; it names both.
var foreignCluster = regexp.MustCompile(`of cluster \S{22}, this one is \S{22}`)
