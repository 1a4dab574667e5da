package crash

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"logd/log"
	"logd/log/memfs"
)

// starting is a directory's life: it is formatted, started, set aside, started, and set aside again.
type starting struct {
	may  []uint64 // the incarnations that it may have now
	said uint64   // the generation that was last spoken under
	note []uint64 // generations that were noted under the incarnation that it has
	old  int      // folders of earlier incarnations, at least
}

// starts looks at all that is left when a directory's life is cut short: it starts, under a generation that nobody has heard
// of, and under the incarnation that it was given last.
func (x *explorer) starts(stop func() bool) {
	opt := small
	dir := log.Dir{Broker: 3, Incarnation: identity.Incarnation, Shards: 2, Options: opt}
	x.kind, x.open = 2, func(disk *memfs.FS) *outcome { return startDir(disk, dir) }
	disk := memfs.New()
	life := starting{may: []uint64{dir.Incarnation, dir.Incarnation + 1}}
	what := whatFormat
	t := &tap{FS: disk, before: func(op log.Op) {
		if !stop() {
			x.boundary(Row{What: what, Kind: op.Kind, Lane: "boot"}, disk, []log.Op{op}, life.judge)
		}
	}}
	must := func(err error) {
		if err != nil {
			panic(fmt.Sprintf("crash: start: %v", err))
		}
	}
	came := func(d log.Dir) { // to its end
		life.said = max(life.said, d.Generation)
		if !stop() {
			x.boundary(Row{What: what, Kind: log.OpSyncDir, Lane: "boot", Done: true}, disk, nil, life.judge)
		}
	}
	must(log.FormatDir(t, dir))
	life.may = []uint64{dir.Incarnation}
	came(dir)
	what = whatStart
	for i := range 3 {
		d, err := log.StartDir(t)
		must(err)
		came(d)
		d, err = log.NoteStart(t, d, uint64(i+1))
		must(err)
		life.note = []uint64{d.Generation}
		came(d)
		next := uint64(0xa0 + i)
		life.may, life.note = append(life.may, next), nil
		d, err = log.SetAside(t, d, next)
		must(err)
		life.may = []uint64{next}
		life.old += d.Shards
		came(d)
		d, err = log.StartDir(t)
		must(err)
		came(d)
	}
}

// judge is of what a start after a crash came to.
func (l *starting) judge(o *outcome) *Violation {
	switch {
	case o.failed != "":
		return violation("start-refused", "%s", o.failed)
	case !slices.Contains(l.may, o.groups[0].id) || o.aside < l.old:
		return violation("incarnation-reused", "expected one of %016x, with %d folders of earlier ones; started\n%s", l.may, l.old, o)
	case len(l.note) > 0 && !slices.Equal(o.groups[0].holes, l.note):
		return violation("start-forgotten", "generations %v spoke; started\n%s", l.note, o)
	case o.start <= l.said:
		return violation("generation-back", "generation %d was spoken under; started\n%s", l.said, o)
	}
	return nil
}

// startDir does what a broker does at its start.
func startDir(disk *memfs.FS, dir log.Dir) (o *outcome) {
	o = &outcome{}
	defer func() {
		if p := recover(); p != nil {
			*o = outcome{failed: fmt.Sprint(p), panics: true}
		}
		o.fold()
	}()
	d, err := log.StartDir(disk)
	if errors.Is(err, fs.ErrNotExist) {
		dir.Incarnation++ // what was said in the name of the first is not to be said in another's
		if err = log.FormatDir(disk, dir); err == nil {
			d, err = log.StartDir(disk)
		}
	}
	for shard := range dir.Shards {
		if err != nil {
			break
		}
		var rec *log.Recovered
		if _, rec, err = log.Open(log.Sub(disk, log.ShardDir(shard)), d.Identity(shard), dir.Options); err == nil && len(rec.Groups) > 0 {
			err = fmt.Errorf("%s has %d groups, nobody made any", log.ShardDir(shard), len(rec.Groups))
		}
	}
	if err != nil {
		o.failed = err.Error()
		return o
	}
	names, err := disk.List(".")
	if err != nil {
		o.failed = err.Error()
	}
	for _, name := range names {
		if len(name) > 6 && name[:6] == "aside-" {
			o.aside++
		}
	}
	o.start, o.groups = d.Generation, []found{{id: d.Incarnation}}
	for _, s := range d.Spoken() {
		o.groups[0].holes = append(o.groups[0].holes, s.Generation)
	}
	return o
}
