package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A directory is copied while its broker is stopped, and put back after the broker has run on: it has forgotten what it promised since.
// It is told so by the others, set aside, and the broker rejoins as new replicas; nothing that was acknowledged is gone (S7).
func TestRestoredCopy(t *testing.T) {
	t.Parallel()
	c, h, l := startOrders(t)
	while()
	old := c.chief(t, h.topic)
	h.fault(t, "stop", fmt.Sprint(old.id))
	old.kill(t)
	image := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(image, os.DirFS(old.data)); err != nil {
		t.Fatal(err)
	}
	c.startAndServe(t, old)
	h.progress(t, partitions)
	time.Sleep(calm)
	h.fault(t, "restore", fmt.Sprint(old.id))
	old.kill(t)
	if err := os.RemoveAll(old.data); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(old.data, os.DirFS(image)); err != nil {
		t.Fatal(err)
	}
	c.startAndServe(t, old)
	c.makeLead(t, h.topic, old) // only a voter that has everything can be given a leadership
	h.progress(t, partitions)
	if aside, err := filepath.Glob(filepath.Join(old.data, "aside-*")); err != nil || len(aside) == 0 {
		t.Errorf("the copy was not set aside: %v, %v", aside, err)
	}
	l.finish()
	verify(t, c, h)
	h.judge(t)
}
