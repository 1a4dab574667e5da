package sim

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"logd/log"
)

// What of a WAL's format faults must know to aim at one part of it: log/wal_group.go, wal_record.go and wal_sector.go draw
// it. A format that changes without this file has the tests fail that aim.
const (
	walSealed   = 504 // bytes of a sector before its own CRC and number
	walDirHead  = 48
	walHeader   = 48
	walEntry    = 1
	walCopy     = 2
	walMark     = 4 // marks, installs and creates stand in the directories, since format 2
	walCreate   = 6
	walDirMagic = "LOGDGRP1"
)

// walGroup is one write group as it lies on a disk.
type walGroup struct {
	file    string
	at      int64 // of its first byte in the file
	number  uint64
	floor   uint64
	blocks  int
	second  int // block of its second directory
	inline  int // bytes of payloads that stand in the directories themselves
	dirLen  int // of each directory, in sealed bytes
	payload int64
	records []walRecord
}

// walRecord is one record's payload.
type walRecord struct {
	kind   uint8
	group  uint64
	index  uint64
	at     int64 // in sealed bytes of the write group
	length int64
	offset int64 // of the batch in it, -1 if it holds none
	next   int64
}

// byteAt is where in the file sealed byte n of a write group lies.
func (g *walGroup) byteAt(n int64) int64 { return g.at + n/walSealed*sectorSize + n%walSealed }

// secondAt is where in the file its second directory begins.
func (g *walGroup) secondAt() int64 { return g.at + int64(g.second)*pageSize }

func (g *walGroup) end() int64 { return g.at + int64(g.blocks)*pageSize }

// walOf lists the write groups that count in the WAL of a shard, by rising number. What isn't whole is left out.
func (d *Disk) walOf(shard int) []walGroup {
	var groups []walGroup
	floor := uint64(0)
	d.eachBelow(log.ShardDir(shard), func(name string, f *inode) {
		if !strings.HasSuffix(name, ".wal") {
			return
		}
		b := d.read(f)
		for at := int64(pageSize); at < f.size; {
			g, ok := d.readWALGroup(b[at:])
			if !ok {
				at += pageSize
				continue
			}
			g.file, g.at = name, at
			groups = append(groups, g)
			at = g.end()
		}
	})
	slices.SortFunc(groups, func(a, b walGroup) int { return int(int64(a.number - b.number)) })
	if n := len(groups); n > 0 {
		floor = groups[n-1].floor
	}
	return slices.DeleteFunc(groups, func(g walGroup) bool { return g.number < floor })
}

// read is what a file holds, valid until the next one is read.
func (d *Disk) read(f *inode) []byte {
	if int64(len(d.spare)) < f.size {
		d.spare = make([]byte, f.size)
	}
	b := d.spare[:f.size]
	f.copyTo(b, 0)
	return b
}

// readWALGroup reads a write group at the head of b.
func (d *Disk) readWALGroup(b []byte) (walGroup, bool) {
	if !bytes.HasPrefix(b, []byte(walDirMagic)) {
		return walGroup{}, false
	}
	be := binary.BigEndian
	g := walGroup{number: be.Uint64(b[8:]), floor: be.Uint64(b[16:]), payload: int64(be.Uint64(b[24:])),
		blocks: int(be.Uint32(b[36:])), second: int(be.Uint32(b[40:])), inline: int(be.Uint32(b[44:]))}
	n := int(be.Uint32(b[32:]))
	if g.blocks < 1 || g.second < 1 || g.second >= g.blocks || g.blocks*pageSize > len(b) || n > g.blocks*pageSize/walHeader {
		return g, false
	}
	for at := 0; at < g.blocks*pageSize; at += sectorSize {
		if be.Uint32(b[at+walSealed+4:]) != uint32(g.number) {
			return g, false // a later one wrote over it
		}
	}
	d.sealed = d.sealed[:0]
	for at := 0; at < g.second*pageSize; at += sectorSize {
		d.sealed = append(d.sealed, b[at:at+walSealed]...)
	}
	if !g.readRecords(d.sealed, n) {
		return g, false
	}
	return g, true
}

// readRecords reads the n headers behind a directory's head, and finds their payloads.
func (g *walGroup) readRecords(sealed []byte, n int) bool {
	g.dirLen = walDirHead + n*walHeader + g.inline + 4
	if g.inline > len(sealed) || g.dirLen+int(g.payload) > len(sealed) {
		return false
	}
	be := binary.BigEndian
	at := int64(g.dirLen)
	for i := range n {
		h := sealed[walDirHead+i*walHeader:]
		r := walRecord{kind: h[0], length: int64(be.Uint32(h[4:])), group: be.Uint64(h[8:]), index: be.Uint64(h[16:]), at: at, offset: -1}
		if g.inline == 0 || r.kind < walMark || r.kind > walCreate {
			at += r.length
		} else {
			r.length = 0 // not among the others
		}
		if at > int64(len(sealed)) {
			return false
		}
		if (r.kind == walEntry || r.kind == walCopy) && h[1] == byte(log.EntryBatch) && r.length > 0 {
			if b, _, err := log.ParseBatch(sealed[r.at:at]); err == nil {
				r.offset, r.next = b.BaseOffset, b.NextOffset()
			}
		}
		g.records = append(g.records, r)
	}
	return true
}

// entryOf finds the newest copy of an entry of a group in the WAL of a shard.
func (d *Disk) entryOf(shard int, group uint64, is func(r *walRecord) bool) (walGroup, walRecord, error) {
	groups := d.walOf(shard)
	for i := len(groups) - 1; i >= 0; i-- {
		for _, r := range groups[i].records {
			if (r.kind == walEntry || r.kind == walCopy) && r.group == group && r.length > 0 && is(&r) {
				return groups[i], r, nil
			}
		}
	}
	return walGroup{}, walRecord{}, fmt.Errorf("the WAL of shard %d has no such entry of group %d", shard, group)
}
