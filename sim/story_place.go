package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"logd/log"
)

// spot is one place on a disk: of n bytes from at on, of which damage hits one, or all their sectors.
type spot struct {
	file  string
	at, n int64
}

func (d *Disk) zeroSpot(s spot) error {
	from := s.at &^ (sectorSize - 1)
	return d.Zero(s.file, from, (s.at+s.n+sectorSize-1)&^(sectorSize-1)-from)
}
func (d *Disk) badSpot(s spot) error { return d.Bad(s.file, s.at) }

// place reads where on a broker's disk:
//
//	file NAME N [K]                       byte N of a file, or K bytes from there on
//	meta                                  the data directory's own file
//	wal [shard=N] header [file=K]         a WAL file's first block
//	wal [shard=N] group=WHICH PART        WHICH: a number, last, entries (the last that has a batch), mark (the last that has a
//	                                      mark); PART: directory, second, both, payload, padding, trailer, all
//	wal [shard=N] entry P offset N        the bytes of one batch
//	wal [shard=N] entry P index N         the bytes of one entry, of the metadata as well
//	wal [shard=N] block file=K N          block N of a WAL file
//	segment P offset N [PART]             one batch; PART: base, epoch (which lie outside of its CRC) or body
//	segment P last                        the last batch
//	index P [K]                           the K-th index file
func (t *teller) place(n *node, words []string) ([]spot, error) {
	switch words[0] {
	case "file":
		return placeFile(words[1:])
	case "meta":
		return []spot{{"logd.meta", 12, 1}}, nil
	case "wal":
		return t.placeWAL(n, words[1:])
	case "segment":
		return t.placeSegment(n, words[1:])
	case "index":
		return t.placeIndex(n, words[1:])
	}
	return nil, fmt.Errorf("no place %q", words[0])
}

func placeFile(words []string) ([]spot, error) {
	if len(words) < 2 || len(words) > 3 {
		return nil, fmt.Errorf("say file NAME N or file NAME N K")
	}
	at, err := number(words[1])
	if err != nil {
		return nil, err
	}
	s := spot{words[0], at, restOfSector(at)}
	if len(words) == 3 {
		s.n, err = number(words[2])
	}
	return []spot{s}, err
}

func (t *teller) placeWAL(n *node, words []string) ([]spot, error) {
	shard := 0
	if len(words) > 0 && strings.HasPrefix(words[0], "shard=") {
		var err error
		if shard, err = strconv.Atoi(words[0][len("shard="):]); err != nil {
			return nil, err
		}
		words = words[1:]
	}
	if len(words) == 0 {
		return nil, fmt.Errorf("where in the WAL?")
	}
	which, isGroup := strings.CutPrefix(words[0], "group=")
	switch {
	case words[0] == "header":
		file := 0
		if len(words) > 1 {
			if _, err := fmt.Sscanf(words[1], "file=%d", &file); err != nil {
				return nil, err
			}
		}
		return []spot{{fmt.Sprintf("%s/wal/%04d.wal", log.ShardDir(shard), file), 30, 1}}, nil
	case words[0] == "entry" && len(words) == 4 && (words[2] == "offset" || words[2] == "index"):
		return t.placeEntry(n, shard, words[1], words[2] == "index", words[3])
	case words[0] == "block" && len(words) == 3:
		file, block := 0, int64(0)
		if _, err := fmt.Sscanf(words[1]+" "+words[2], "file=%d %d", &file, &block); err != nil {
			return nil, err
		}
		return []spot{{fmt.Sprintf("%s/wal/%04d.wal", log.ShardDir(shard), file), block * pageSize, 1}}, nil
	case isGroup && len(words) == 2:
		return placeGroup(n.disk.walOf(shard), which, words[1])
	}
	return nil, fmt.Errorf("no place in the WAL: %s", strings.Join(words, " "))
}

func (t *teller) placeEntry(n *node, shard int, name string, byIndex bool, at string) ([]spot, error) {
	g, err := t.groupOf(name)
	if err != nil {
		return nil, err
	}
	number, err := number(at)
	if err != nil {
		return nil, err
	}
	w, r, err := n.disk.entryOf(shard, g.id, func(r *walRecord) bool {
		return byIndex && r.index == uint64(number) || !byIndex && r.offset >= 0 && r.offset <= number && number < r.next
	})
	if err != nil {
		return nil, err
	}
	return []spot{{w.file, w.byteAt(r.at + r.length/2), 1}}, nil
}

// placeGroup finds a part of a write group.
func placeGroup(groups []walGroup, which, what string) ([]spot, error) {
	i := slices.IndexFunc(groups, func(g walGroup) bool { return strconv.FormatUint(g.number, 10) == which })
	for k := range groups {
		has := func(is func(r walRecord) bool) bool { return slices.ContainsFunc(groups[k].records, is) }
		if which == "last" || which == "entries" && has(func(r walRecord) bool { return r.offset >= 0 }) ||
			which == "mark" && has(func(r walRecord) bool { return r.kind == walMark }) {
			i = k
		}
	}
	if i < 0 {
		return nil, fmt.Errorf("no write group %q among %d", which, len(groups))
	}
	g := &groups[i]
	first, second := spot{g.file, g.at + 20, sectorSize - 20}, spot{g.file, g.secondAt() + 20, sectorSize - 20}
	switch what {
	case "directory":
		return []spot{first}, nil
	case "second":
		return []spot{second}, nil
	case "both":
		return []spot{first, second}, nil
	case "padding": // behind the payloads, if they don't fill their last sector
		return []spot{{g.file, g.secondAt() - sectorSize + walSealed - 12, 1}}, nil
	case "trailer": // behind the second directory
		return []spot{{g.file, g.end() - sectorSize + walSealed - 12, 1}}, nil
	case "all":
		return []spot{{g.file, g.at, g.end() - g.at}}, nil
	case "payload":
		for _, r := range g.records {
			if r.offset >= 0 {
				return []spot{{g.file, g.byteAt(r.at + r.length/2), 1}}, nil
			}
		}
		return nil, fmt.Errorf("write group %d has no batch", g.number)
	}
	return nil, fmt.Errorf("no part %q of a write group", what)
}

// groupOf finds the raft group of a partition.
func (t *teller) groupOf(name string) (*groupSeen, error) {
	for _, g := range t.w.views.groups {
		if g.name == name {
			return g, nil
		}
	}
	return nil, fmt.Errorf("no partition %q", name)
}

func (t *teller) placeSegment(n *node, words []string) ([]spot, error) {
	if len(words) < 2 {
		return nil, fmt.Errorf("where in the segments?")
	}
	g, err := t.groupOf(words[0])
	if err != nil {
		return nil, err
	}
	var s stored
	if words[1] == "last" {
		all := n.disk.segmentsOf(g.id)
		if len(all) == 0 {
			return nil, fmt.Errorf("%s has no segments", words[0])
		}
		s = all[len(all)-1]
	} else {
		if words[1] != "offset" || len(words) < 3 {
			return nil, fmt.Errorf("no place in segments: %s", strings.Join(words, " "))
		}
		offset, err := number(words[2])
		if err != nil {
			return nil, err
		}
		if s, err = n.disk.batchAt(g.id, offset); err != nil {
			return nil, err
		}
	}
	part := "body"
	if len(words) == 4 {
		part = words[3]
	}
	at, ok := map[string]int64{"base": 7, "epoch": 15, "body": int64(s.size) / 2, "start": 0}[part]
	if !ok {
		return nil, fmt.Errorf("no part %q of a batch", part)
	}
	return []spot{{s.file, s.at + at, max(1, int64(s.size)-at)}}, nil
}

func (t *teller) placeIndex(n *node, words []string) ([]spot, error) {
	if len(words) == 0 {
		return nil, fmt.Errorf("whose index?")
	}
	g, err := t.groupOf(words[0])
	if err != nil {
		return nil, err
	}
	k := 0
	if len(words) > 1 {
		if k, err = strconv.Atoi(words[1]); err != nil {
			return nil, err
		}
	}
	var names []string
	n.disk.eachFile(func(name string, _ *inode) {
		if ofGroup(name, g.id) && strings.HasSuffix(name, ".index") {
			names = append(names, name)
		}
	})
	if k < 0 || k >= len(names) {
		return nil, fmt.Errorf("%s has %d index files, and no number %d: they count from 0", words[0], len(names), k)
	}
	return []spot{{names[k], 20, 1}}, nil
}
