package main

import (
	"fmt"

	"logd/log"
)

// inspected is what `inspect` found, and its JSON. Hashes and incarnations are 16 hexadecimal digits.
type inspected struct {
	Directory   string           `json:"directory"`
	Whole       bool             `json:"whole"`
	Broker      int32            `json:"broker"`
	Incarnation string           `json:"incarnation"`
	Generation  uint64           `json:"generation"`
	Spoke       []inspectedStart `json:"spoke"`   // starts that spoke for their replicas, and are remembered
	Forgets     uint64           `json:"forgets"` // starts up to this generation are not
	Joins       bool             `json:"joins"`
	Moving      string           `json:"moving,omitempty"`
	WALFiles    int              `json:"wal_files"`
	WALBytes    int64            `json:"wal_file_bytes"`
	Problems    []string         `json:"problems"`
	Aside       []asideDir       `json:"aside"`
	Other       []string         `json:"other"`
	Metadata    string           `json:"metadata"` // up to where group 1 was read for names of partitions
	Shards      []inspectedShard `json:"shards"`

	shown inspectFlags
}

// inspectedStart is a start of the directory.
type inspectedStart struct {
	Generation uint64 `json:"generation"`
	Boot       string `json:"boot"`
}

// asideDir is a shard of an earlier incarnation.
type asideDir struct {
	Name  string `json:"name"`
	Files int    `json:"files"`
	Bytes int64  `json:"bytes"`
}

type inspectedShard struct {
	Shard  int              `json:"shard"`
	Lost   string           `json:"lost,omitempty"` // why the shard can't go on under this incarnation
	Cut    string           `json:"cut,omitempty"`  // the write that power cut short
	Damage []inspectedWrong `json:"damage"`         // of the WAL
	Files  []inspectedFile  `json:"wal"`
	Writes []inspectedWrite `json:"write_groups,omitempty"`
	Groups []inspectedGroup `json:"groups"`

	report log.WALReport
}

type inspectedWrong struct {
	File       string `json:"file"`
	Byte       int64  `json:"byte"`
	WriteGroup uint64 `json:"write_group,omitempty"`
	Group      uint64 `json:"group,omitempty"`
	Index      uint64 `json:"index,omitempty"`
	Expected   string `json:"expected"`
	Found      string `json:"found"`
	Fate       string `json:"fate"`
	text       string
}

type inspectedFile struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	Header string `json:"header"`
	From   uint64 `json:"from"`
	To     uint64 `json:"to"`
	Writes int    `json:"write_groups"`
	Bad    []int  `json:"bad_sectors"`
}

type inspectedWrite struct {
	Number  uint64            `json:"number"`
	Floor   uint64            `json:"floor"`
	File    string            `json:"file"`
	Byte    int64             `json:"byte"`
	Blocks  int               `json:"blocks"`
	Fate    string            `json:"fate"`
	Bad     []int             `json:"bad_sectors"`
	Records []inspectedRecord `json:"records"`
}

type inspectedRecord struct {
	Kind   string `json:"kind"`
	Group  uint64 `json:"group"`
	Index  uint64 `json:"index"`
	Term   uint64 `json:"term"`
	Type   string `json:"type,omitempty"`
	Length uint32 `json:"length"`
	CRC    string `json:"crc,omitempty"`
	Hash   string `json:"hash,omitempty"`
	Vote   string `json:"vote,omitempty"`
	Lost   bool   `json:"lost,omitempty"`
}

type inspectedGroup struct {
	Group     uint64             `json:"group"`
	Partition string             `json:"partition"`
	Known     bool               `json:"known"` // to the WAL
	Dropped   bool               `json:"dropped,omitempty"`
	Term      uint64             `json:"term"`
	Vote      string             `json:"vote"`
	Commit    uint64             `json:"commit"`
	Mark      inspectedMark      `json:"mark"`
	First     uint64             `json:"first_entry"` // in the WAL; 0: none
	Last      uint64             `json:"last_entry"`
	Holes     []inspectedHole    `json:"holes"`
	Segments  []inspectedSegment `json:"segments"`
	Missing   []inspectedRange   `json:"missing"`
	Other     []string           `json:"other,omitempty"`
}

type inspectedMark struct {
	Index     uint64 `json:"index"`
	Term      uint64 `json:"term"`
	LogStart  int64  `json:"log_start"`
	LogEnd    int64  `json:"log_end"`
	EntryHash string `json:"entry_hash"`
	BatchHash string `json:"batch_hash"`
	App       int    `json:"app_bytes"`
}

type inspectedHole struct {
	Index uint64 `json:"index"`
	Term  uint64 `json:"term"`
	Bytes uint32 `json:"bytes"`
	CRC   string `json:"crc"`
}

// inspectedRange goes from an offset to below another.
type inspectedRange struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

type inspectedSegment struct {
	Base         int64              `json:"base"`
	End          int64              `json:"end"`
	Bytes        int64              `json:"bytes"`
	MaxTimestamp int64              `json:"max_timestamp_ms"`
	Closed       bool               `json:"closed"`
	Index        string             `json:"index"`
	Batches      int64              `json:"batches"` // that were read; 0: the index was believed
	Mending      bool               `json:"mending,omitempty"`
	Tail         int64              `json:"tail_bytes,omitempty"`
	Damage       []inspectedStretch `json:"damage"`
}

type inspectedStretch struct {
	File  string         `json:"file"`
	Byte  int64          `json:"byte"`
	Bytes int64          `json:"bytes"`
	Lost  inspectedRange `json:"offsets"`
	Found string         `json:"found"`
}

func (r *inspected) identify(d log.Dir) {
	r.Broker, r.Incarnation, r.Generation, r.Joins = d.Broker, hex(d.Incarnation), d.Generation, d.Joins
	r.Spoke, r.Forgets = []inspectedStart{}, d.Forgets
	for _, s := range d.Spoken() {
		r.Spoke = append(r.Spoke, inspectedStart{s.Generation, hex(s.Boot)})
	}
	r.WALFiles, r.WALBytes = d.Options.WALFiles, d.Options.WALFileBytes
	if d.Moving != 0 {
		r.Moving = hex(d.Moving)
	}
}

func hex(n uint64) string { return fmt.Sprintf("%016x", n) }

// judge says whether everything is as it should be.
func (r *inspected) judge() {
	bad := len(r.Problems) > 0
	for i := range r.Shards {
		s := &r.Shards[i]
		bad = bad || s.Lost != "" || len(s.Damage) > 0
		for _, g := range s.Groups {
			bad = bad || len(g.Holes) > 0 || len(g.Missing) > 0
			for _, is := range g.Segments {
				bad = bad || is.bad()
			}
		}
	}
	r.Whole = !bad
}

func (s *inspectedSegment) bad() bool {
	return len(s.Damage) > 0 || s.Index != "good" && s.Index != "none" && s.Index != "missing" // a crash may leave none
}
