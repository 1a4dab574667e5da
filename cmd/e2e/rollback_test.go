package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A broker's shards are put back to an earlier state, and its logd.meta isn't, so that no generation gives it away. Who leads knows what
// was acknowledged since; the broker sets the directory aside and joins anew (S7).
func TestRollback(t *testing.T) {
	t.Parallel()
	d := startDamage(t)
	d.load.pace.Store(int64(50 * time.Millisecond))
	n := d.c.nodes[1]
	shard, backup := filepath.Join(n.data, "shard-0"), filepath.Join(d.c.dir, "backup")
	n.kill(t)
	d.load.progress(20)
	if err := os.CopyFS(backup, os.DirFS(shard)); err != nil {
		t.Fatal(err)
	}
	d.c.startAndServe(t, n)
	d.c.awaitInSync(t, n)
	d.load.progress(50)
	d.c.awaitInSync(t, n)
	n.kill(t)
	if err := os.RemoveAll(shard); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(shard, os.DirFS(backup)); err != nil {
		t.Fatal(err)
	}
	d.c.startAndServe(t, n)
	d.c.awaitInSync(t, n)
	if aside, err := filepath.Glob(filepath.Join(n.data, "aside-*")); err != nil || len(aside) == 0 {
		t.Errorf("nothing was set aside: %v", err)
	}
	d.load.finish()
	d.compare()
}
