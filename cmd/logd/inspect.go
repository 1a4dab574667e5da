package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"logd/log"
	"logd/log/osfs"
)

// errFound says that something is not as it should be, which the output has told.
var errFound = errors.New("damage was found, see above")

type inspectFlags struct {
	json  bool
	deep  bool
	wal   bool
	group uint64 // 0: all
}

func newInspect(a *app) *cobra.Command {
	var f inspectFlags
	cmd := &cobra.Command{
		Use:   "inspect DIR",
		Short: "Show what is in a stopped broker's data directory, and what is damaged; change nothing",
		Long: `Read a stopped broker's data directory as a start would, and print who it is, its write-ahead logs, its raft groups and their segments, and
what is damaged or lost, with what a start would make of it. Nothing is changed, not even a lock; a directory that a broker has open is refused.
Exit 0 if all is whole (a last write that power cut short is no damage), 1 if not.`,
		Example: `  logd inspect ./broker-1
  logd inspect ./broker-1 --deep
  logd inspect ./broker-1 --wal --group 3`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("name one data directory, %d were given", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := inspect(args[0], f)
			if err != nil {
				return err
			}
			if f.json {
				e := json.NewEncoder(a.out)
				e.SetIndent("", "  ")
				err = e.Encode(r)
			} else {
				err = r.print(a.out)
			}
			if err == nil && !r.Whole {
				err = errFound
			}
			return err
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.BoolVar(&f.deep, "deep", false, "read and verify every batch of every segment")
	fl.BoolVar(&f.wal, "wal", false, "list the records of the write-ahead logs")
	fl.Uint64Var(&f.group, "group", 0, "show this raft group only (1 is the metadata)")
	fl.BoolVar(&f.json, "json", false, "print JSON instead of tables")
	return cmd
}

// inspect reads a directory through a tree that can't be written to, and makes sure that no broker did anything to it meanwhile (D6).
func inspect(path string, f inspectFlags) (*inspected, error) {
	tree, err := osfs.NewReadOnly(path)
	if err != nil {
		return nil, err
	}
	if err := tree.Unlocked(); err != nil {
		return nil, fmt.Errorf("%w: a running broker's files change as they are read; stop it first, or ask it with logctl scrub", err)
	}
	dir, problems, err := log.InspectDir(tree)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is no data directory: %w; name the one of logd serve --data, or a broker-N of logd dev --data", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("data directory %s: %w", path, err)
	}
	r := &inspected{Directory: path, Problems: append([]string{}, problems...), Aside: []asideDir{}, Other: []string{}, shown: f}
	r.identify(dir)
	if err := r.names(path, dir); err != nil {
		return nil, err
	}
	if err := r.shards(tree, dir); err != nil {
		return nil, fmt.Errorf("data directory %s: %w", path, err)
	}
	now, _, err := log.InspectDir(tree)
	if lerr := tree.Unlocked(); lerr != nil || err != nil || now.Generation != dir.Generation {
		return nil, fmt.Errorf("data directory %s: a broker was started in it meanwhile: stop it and look again (%v)", path, errors.Join(lerr, err))
	}
	r.judge()
	return r, nil
}

// names sorts out what else is in the directory.
func (r *inspected) names(path string, dir log.Dir) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	ours := map[string]bool{"logd.meta": true, "logd.meta.copy": true, "logd.meta.tmp": true, "logd.lock": true, "probe.tmp": true, "lost+found": true, reserveName: true}
	for i := range dir.Shards {
		ours[log.ShardDir(i)] = true
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case ours[name]:
		case strings.HasPrefix(name, "aside-"):
			is := asideDir{Name: name}
			err := filepath.WalkDir(filepath.Join(path, name), func(_ string, d fs.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() {
					var st fs.FileInfo
					if st, err = d.Info(); err == nil {
						is.Files, is.Bytes = is.Files+1, is.Bytes+st.Size()
					}
				}
				return err
			})
			if err != nil {
				return err
			}
			r.Aside = append(r.Aside, is)
		default:
			r.Other = append(r.Other, name)
		}
	}
	return nil
}
