package main

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"testing"

	"logd/broker"
)

// The reserve is there from the start, is given up when a shard starves, and comes back only when there is room to spare.
func TestReserve(t *testing.T) {
	dir := t.TempDir()
	const size, want = 1 << 20, 10 << 20
	r, err := holdReserve(dir, size)
	if err != nil {
		t.Fatal(err)
	}
	free, failing := int64(want-1), error(nil)
	w := newSpaceWatch(func() (int64, int64, error) { return free, 4 * free, failing }, want, r, slog.New(slog.NewTextHandler(io.Discard, nil)))
	held := func() bool {
		st, err := os.Stat(r.path)
		return err == nil && st.Size() == size && r.held
	}
	step := func(name string, hold bool) {
		t.Helper()
		if e, ok := w.look(); !ok || e != (broker.Space{Free: free, Want: want, Total: 4 * free}) {
			t.Errorf("%s: says %+v, %t", name, e, ok)
		}
		if held() != hold {
			t.Errorf("%s: reserve held %t, expected %t", name, held(), hold)
		}
	}
	step("nearly full", true)
	w.full()
	w.full()
	step("a shard starves", false)
	w.full()
	step("and again, with nothing left to give", false)
	free = want + 2*size - 1
	step("some room", false)
	free++
	step("enough room", true)
	failing = errors.New("no such file system")
	if _, ok := w.look(); ok {
		t.Error("says how much room there is, though it can't be told")
	}
	if again, err := holdReserve(dir, size); err != nil || !again.held {
		t.Errorf("the reserve of an earlier run: %v", err)
	}
}

// A reserve that finds no place leaves nothing behind.
func TestReserveWithoutPlace(t *testing.T) {
	r, err := holdReserve(t.TempDir()+"/missing", 1)
	if err == nil || r.held {
		t.Errorf("held %t, %v", r.held, err)
	}
}
