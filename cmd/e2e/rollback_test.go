package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A broker's shards are put back to an earlier state, its logd.meta isn't: it can't know. Who leads knows what it acknowledged since, and
// the broker sets the directory aside and joins anew (S7). And a whole directory that is put back is known by its generation.
func TestRollback(t *testing.T) {
	for _, c := range []struct {
		name string
		what string // in the data directory
	}{{"shards", "shard-0"}, {"all", "."}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := startDamage(t)
			d.load.pace.Store(int64(50 * time.Millisecond))
			n := d.c.nodes[1]
			backup := filepath.Join(d.c.dir, "backup")
			n.kill(t)
			d.load.progress(20)
			if err := os.CopyFS(backup, os.DirFS(filepath.Join(n.data, c.what))); err != nil {
				t.Fatal(err)
			}
			d.c.startAndServe(t, n)
			d.c.awaitInSync(t, n)
			d.load.progress(50)
			d.c.awaitInSync(t, n)
			n.kill(t)
			if err := os.RemoveAll(filepath.Join(n.data, c.what)); err != nil && c.what != "." {
				t.Fatal(err)
			}
			if c.what == "." {
				if err := os.RemoveAll(n.data); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.CopyFS(filepath.Join(n.data, c.what), os.DirFS(backup)); err != nil {
				t.Fatal(err)
			}
			d.c.startAndServe(t, n)
			d.c.awaitInSync(t, n)
			if aside, err := filepath.Glob(filepath.Join(n.data, "aside-*")); err != nil || len(aside) == 0 {
				t.Errorf("nothing was set aside: %v", err)
			}
			d.load.finish()
			d.compare()
		})
	}
}
