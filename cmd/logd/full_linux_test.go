package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// smallDisk mounts a file system of so many bytes, which takes root.
func smallDisk(t *testing.T, bytes string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+bytes); err != nil {
		const why = "NOT TESTED: a start on a full disk: can't mount a small one: %v"
		if os.Getenv("LOGD_CI") != "" {
			t.Fatalf(why, err)
		}
		t.Skipf(why, err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// A broker starts on a disk that others have filled: its reserve makes room for what the directory remembers of each start.
func TestServeOnAFullDisk(t *testing.T) {
	disk := smallDisk(t, "128m")
	dir := filepath.Join(disk, "data")
	p := start(t, serveArgs(t, dir)...)
	p.until(t, "partition=metadata")
	p.cmd.Process.Kill()
	p.exit(t)
	f, err := os.Create(filepath.Join(disk, "other"))
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	f.Close() // it is as full as can be
	p = start(t, serveArgs(t, dir)...)
	defer func() {
		p.cmd.Process.Kill() // an error means that it has ended
		<-p.ended
	}()
	p.until(t, "the reserve is given up so that the broker can start")
	p.until(t, "broker starts")
	if !strings.Contains(p.out.String(), "no space left") {
		t.Errorf("the cause isn't said:\n%s", &p.out)
	}
}
