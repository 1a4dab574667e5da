package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"logd/broker"
	"logd/golden"
	"logd/log"
	"logd/log/osfs"
	"logd/replica"
)

// A directory of broker 1 with topic orders of two partitions, groups 2 and 3.
var inspectedDir = log.Dir{Broker: 1, Incarnation: 0x1122334455667788, Shards: 1,
	Options: log.Options{WALFiles: 2, WALFileBytes: 128 << 10, GroupBytes: 16 << 10, SegmentBytes: 4 << 10, IndexBytes: 1 << 10}}

// writer fills a directory through the store that a broker has.
type writer struct {
	t     *testing.T
	store *log.Store
	run   *log.Runner
}

func (w *writer) idle() {
	w.t.Helper()
	for busy := true; busy; {
		busy = false
		for lane := range log.Lane(log.Lanes) {
			if p, ok := w.store.Plan(lane); ok {
				busy = true
				if err := w.store.Done(w.run.Run(p)); err != nil {
					w.t.Fatal(err)
				}
			}
		}
	}
}

// recordBatch is a batch of one record, which has n bytes of nothing much.
func recordBatch(base int64, epoch int32, n int) []byte {
	b := make([]byte, log.BatchHeader+n)
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
	b[16] = 2
	binary.BigEndian.PutUint64(b[27:], uint64(1_700_000_000_000+base))
	binary.BigEndian.PutUint64(b[35:], uint64(1_700_000_000_000+base))
	binary.BigEndian.PutUint32(b[57:], 1)
	for i := log.BatchHeader; i < len(b); i += copy(b[i:], fmt.Sprintf("record %d ", base)) {
	}
	log.Stamp(b, base, epoch)
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// makeDir makes a directory as a broker leaves it.
func makeDir(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "broker-1")
	tree, err := osfs.New(path, osfs.Options{UnsafeNoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := log.FormatDir(tree, inspectedDir); err != nil {
		t.Fatal(err)
	}
	dir, err := log.StartDir(tree)
	if err != nil {
		t.Fatal(err)
	}
	dir.Options.SegmentBytes, dir.Options.IndexBytes = inspectedDir.Options.SegmentBytes, inspectedDir.Options.IndexBytes
	sub := log.Sub(tree, log.ShardDir(0))
	store, _, err := log.Open(sub, dir.Identity(0), dir.Options)
	if err != nil {
		t.Fatal(err)
	}
	w := writer{t, store, log.NewRunner(sub)}
	defer w.run.Close()
	w.metadata()
	store.Create(2, []byte("two"), log.Mark{})
	store.Create(3, []byte("three"), log.Mark{})
	store.SetState(2, log.State{Term: 3, Vote: replica.ID(2, 7)})
	w.records(2, 40, 30)
	w.records(3, 5, 0)
	store.SetState(2, log.State{Term: 3, Vote: replica.ID(2, 7), Commit: 38})
	w.idle()
	return path
}

// metadata makes group 1: its mark has the cluster, the topic comes behind.
func (w *writer) metadata() {
	form := broker.EncodeCommand(broker.Form{ClusterID: broker.UUID{15: 9}, Brokers: []broker.FormBroker{{ID: 1, Incarnation: inspectedDir.Incarnation}}})
	topic := broker.EncodeCommand(broker.CreateTopic{Name: "orders", ID: broker.UUID{15: 5}, Partitions: 2, Replication: 1})
	at := broker.FormReplicas([]broker.FormBroker{{ID: 1, Incarnation: inspectedDir.Incarnation}})
	meta, _ := broker.NewMeta().Apply(1, form)
	w.store.Create(metaGroup, nil, log.Mark{})
	w.store.Append(metaGroup, []log.Entry{{Index: 1, Term: 1, Data: form}})
	w.idle()
	hash, _ := w.store.EntryHash(metaGroup, 1)
	w.store.Flush(metaGroup, nil, log.Mark{Index: 1, Term: 1, EntryHash: hash, App: meta.Encode()})
	w.store.Append(metaGroup, []log.Entry{{Index: 2, Term: 2}, {Index: 3, Term: 2, Data: topic}})
	w.store.SetState(metaGroup, log.State{Term: 2, Vote: at[0].ID, Commit: 3})
	w.idle()
}

// records appends n batches to a group, and flushes some of them.
func (w *writer) records(group uint64, n, flushed int) {
	var batches [][]byte
	var es []log.Entry
	hash := uint64(0)
	for i := range n {
		b := recordBatch(int64(i), 3, 300+i)
		if i < flushed {
			hash = log.HashBatch(hash, b)
		}
		batches, es = append(batches, b), append(es, log.Entry{Index: uint64(i + 1), Term: 3, Data: b})
	}
	w.store.Append(group, es)
	w.idle()
	if flushed > 0 {
		entry, _ := w.store.EntryHash(group, uint64(flushed))
		w.store.Flush(group, batches[:flushed], log.Mark{Index: uint64(flushed), Term: 3, LogEnd: int64(flushed), EntryHash: entry, BatchHash: hash})
		w.idle()
	}
}

// runInspect runs the command, makes sure that it changed nothing, and returns what it said.
func runInspect(t *testing.T, dir string, args ...string) (string, int) {
	t.Helper()
	before := snapshotOf(t, dir)
	var out bytes.Buffer
	a := &app{out: &out, err: &out}
	code := a.run(context.Background(), append([]string{"inspect", dir}, args...))
	for name, is := range snapshotOf(t, dir) {
		if before[name] != is {
			t.Errorf("%s was changed or made", name)
		}
		delete(before, name)
	}
	for name := range before {
		t.Errorf("%s was removed", name)
	}
	return strings.ReplaceAll(out.String(), dir, "DIR"), code
}

// snapshotOf is names, times and contents of a tree.
func snapshotOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		all[name] = st.ModTime().String()
		if d.Type().IsRegular() {
			b, err := os.ReadFile(name)
			all[name] += string(b)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// flip changes one bit of a file.
func flip(t *testing.T, file string, at int64) {
	t.Helper()
	edit(t, file, func(b []byte) []byte {
		b[at] ^= 4
		return b
	})
}

func edit(t *testing.T, file string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, change(b), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

const (
	walFile0 = "shard-0/wal/0000.wal"
	segment2 = "shard-0/seg/00000000000000000002/"
	closed2  = segment2 + "00000000000000000000"
)

// What inspect says of whole directories, and of each kind of damage; it is never quiet about one.
func TestInspect(t *testing.T) {
	cases := []struct {
		name string
		do   func(t *testing.T, dir string)
		args []string
		code int
	}{
		{"whole", nil, nil, exitOK},
		{"whole_deep", nil, []string{"--deep"}, exitOK},
		{"wal", nil, []string{"--wal", "--group", "1"}, exitOK},
		{"json", nil, []string{"--json", "--group", "2"}, exitOK},
		{"flipped_entry", func(t *testing.T, dir string) { flip(t, filepath.Join(dir, walFile0), entryAt(t, dir, 2, 35)) }, nil, exitFailed},
		{"flipped_batch", func(t *testing.T, dir string) { flip(t, filepath.Join(dir, closed2+".log"), 1000) }, []string{"--deep"}, exitFailed},
		{"flipped_length", func(t *testing.T, dir string) { flip(t, filepath.Join(dir, closed2+".log"), 361+8) }, []string{"--deep"}, exitFailed},
		{"flipped_index", func(t *testing.T, dir string) { flip(t, filepath.Join(dir, closed2+".index"), 40) }, nil, exitFailed},
		{"truncated_segment", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, closed2+".log"), func(b []byte) []byte { return b[:len(b)-500] })
		}, nil, exitFailed},
		{"missing_segment", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, closed2+".log")) }, nil, exitFailed},
		{"missing_index", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, closed2+".index")) }, nil, exitOK}, // as after a crash
		{"missing_wal", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, walFile0)) }, nil, exitFailed},
		{"both_directories", bothDirectories, []string{"--wal"}, exitFailed},
		{"aside", setAside, nil, exitOK},
		{"one_meta", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "logd.meta")) }, nil, exitFailed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := makeDir(t)
			if c.do != nil {
				c.do(t, dir)
			}
			out, code := runInspect(t, dir, c.args...)
			golden.Same(t, filepath.Join("testdata", "inspect_"+c.name+".golden"), fmt.Appendf(nil, "exit %d\n%s", code, out))
			if code != c.code {
				t.Errorf("exit %d, want %d", code, c.code)
			}
		})
	}
}

func remove(t *testing.T, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

// entryAt finds the payload of an entry in the WAL.
func entryAt(t *testing.T, dir string, group uint64, index int64) int64 {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, walFile0))
	if err != nil {
		t.Fatal(err)
	}
	want := recordBatch(index-1, 3, 300+int(index)-1)
	at := bytes.Index(b, want[log.BatchHeader:][:40])
	if at < 0 {
		t.Fatalf("group %d index %d is not in one piece in the WAL", group, index)
	}
	return int64(at)
}

// bothDirectories makes a bit in each of the two directories of a write group in the middle another.
func bothDirectories(t *testing.T, dir string) {
	t.Helper()
	tree, err := osfs.NewReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := log.InspectWAL(log.Sub(tree, log.ShardDir(0)), inspectedDir.Identity(0), inspectedDir.Options)
	if err != nil {
		t.Fatal(err)
	}
	w := rep.Writes[len(rep.Writes)/2]
	for _, block := range []int{0, w.Blocks - 1} {
		flip(t, filepath.Join(dir, "shard-0", w.File), w.Byte+int64(block)*log.BlockSize+30)
	}
}

func setAside(t *testing.T, dir string) {
	t.Helper()
	tree, err := osfs.New(dir, osfs.Options{UnsafeNoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	d, err := log.OpenDir(tree)
	if err == nil {
		_, err = log.SetAside(tree, d, 0x99aabbccddeeff00)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("mine"), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A directory that a broker has open is left alone; what is none is told.
func TestInspectRefuses(t *testing.T) {
	dir := makeDir(t)
	tree, err := osfs.New(dir, osfs.Options{UnsafeNoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.Lock(); err != nil {
		t.Fatal(err)
	}
	if out, code := runInspect(t, dir); code != exitFailed || !regexp.MustCompile(`locked by another process: pid \d+ has it.*stop it first`).MatchString(out) {
		t.Errorf("exit %d: %s", code, out)
	}
	if err := tree.Unlock(); err != nil {
		t.Fatal(err)
	}
	if out, code := runInspect(t, dir); code != exitOK {
		t.Errorf("unlocked: exit %d: %s", code, out)
	}
	if out, code := runInspect(t, t.TempDir()); code != exitFailed || !strings.Contains(out, "is no data directory") {
		t.Errorf("exit %d: %s", code, out)
	}
	if out, code := runInspect(t, filepath.Join(dir, "logd.meta")); code != exitFailed || !strings.Contains(out, "is no directory") {
		t.Errorf("exit %d: %s", code, out)
	}
	var none bytes.Buffer
	if code := (&app{out: &none, err: &none}).run(context.Background(), []string{"inspect"}); code != exitUsage {
		t.Errorf("exit %d: %s", code, &none)
	}
}

// JSON is one document that has everything.
func TestInspectJSONIsOneDocument(t *testing.T) {
	dir := makeDir(t)
	out, code := runInspect(t, dir, "--json", "--wal", "--deep")
	var r inspected
	d := json.NewDecoder(strings.NewReader(out))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil || d.More() || code != exitOK {
		t.Fatalf("exit %d: %v\n%s", code, err, out)
	}
	if !r.Whole || len(r.Shards) != 1 || len(r.Shards[0].Groups) != 3 || len(r.Shards[0].Writes) == 0 {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(filepath.Join(dir, "logd.lock")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a lock file: %v", err)
	}
}
