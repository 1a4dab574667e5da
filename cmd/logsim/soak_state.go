package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"logd/sim"
)

// soakState is all that a soak has done so far, as it stands in its folder.
type soakState struct {
	Build    string        `json:"build"` // SHA-256 of the program: what different ones did is not added up
	Seconds  int           `json:"seconds"`
	Brokers  int           `json:"brokers"` // 0: drawn
	Shards   int           `json:"shards"`
	Twice    bool          `json:"twice"`
	From     uint64        `json:"from"`
	Next     uint64        `json:"next"`  // all seeds from From to below it are done
	Ahead    []uint64      `json:"ahead"` // and these, > Next, sorted
	Seeds    int           `json:"seeds"` // = Next - From + len(Ahead)
	Spent    time.Duration `json:"spent_ns"`
	Busy     time.Duration `json:"busy_ns"` // of all workers together
	Sum      soakSum       `json:"sum"`
	Failures []soakFailure `json:"failures"` // by seed
}

// soakSum is what all seeds come to together.
type soakSum struct {
	Simulated time.Duration    `json:"simulated_ns"`
	Events    uint64           `json:"events"`
	Counts    map[string]int64 `json:"counts"`
	Faults    map[string]int64 `json:"faults"` // by kind
	Marks     map[string]int64 `json:"marks"`  // by name: seeds that came by it
}

// soakFailure is a seed that failed.
type soakFailure struct {
	Seed      uint64        `json:"seed"`
	Violation sim.Violation `json:"violation"`
	Decisions int           `json:"decisions,omitempty"`  // of the story that it was shrunk to
	NotShrunk string        `json:"not_shrunk,omitempty"` // why there is none
}

// The files of a soak that are always there.
const (
	soakFile = "state.json"
	lockFile = "lock"
)

var errSoak = errors.New("it is another soak's")

// nobodysElse refuses a folder that somebody keeps other things in.
func nobodysElse(dir string) error {
	rows, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if slices.ContainsFunc(rows, func(row os.DirEntry) bool { return row.Name() == soakFile }) {
		return nil
	}
	for _, row := range rows {
		if row.Name() != lockFile {
			return fmt.Errorf("%s: it has no %s, and is not empty: %s is in it; choose another --dir", dir, soakFile, row.Name())
		}
	}
	return nil
}

// loadSoak reads the state of a folder, or begins one.
func loadSoak(f *soakFlags, build string) (*soakState, error) {
	path := filepath.Join(f.dir, soakFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &soakState{Build: build, Seconds: f.seconds, Brokers: f.size.Brokers, Shards: f.size.Shards, Twice: f.twice, From: f.from, Next: f.from,
			Sum: soakSum{Counts: map[string]int64{}, Faults: map[string]int64{}, Marks: map[string]int64{}}}, nil
	}
	if err != nil {
		return nil, err
	}
	s := &soakState{}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("%s: %w; choose another --dir", path, err)
	}
	switch {
	case s.Build != build:
		return nil, fmt.Errorf("%s: %w: it was begun by program %.12s, this is %.12s; choose another --dir", path, errSoak, s.Build, build)
	case s.Seconds != f.seconds || s.Brokers != f.size.Brokers || s.Shards != f.size.Shards || s.Twice != f.twice || s.From != f.from:
		return nil, fmt.Errorf("%s: %w: begun with --seconds %d --brokers %d --shards %d --twice=%t --from %d; choose another --dir, or the same flags",
			path, errSoak, s.Seconds, s.Brokers, s.Shards, s.Twice, s.From)
	case s.Seeds != int(s.Next-s.From)+len(s.Ahead):
		return nil, fmt.Errorf("%s: %d seeds, but %d to %d and %d more are done: damaged; choose another --dir", path, s.Seeds, s.From, s.Next, len(s.Ahead))
	}
	return s, nil
}

func (s *soakState) done() map[uint64]bool {
	done := map[uint64]bool{}
	for _, seed := range s.Ahead {
		done[seed] = true
	}
	return done
}

// add takes the result of a seed that was not done.
func (s *soakState) add(d *seedDone) {
	s.Seeds++
	s.Busy += d.took
	i, _ := slices.BinarySearch(s.Ahead, d.Seed)
	s.Ahead = slices.Insert(s.Ahead, i, d.Seed)
	for len(s.Ahead) > 0 && s.Ahead[0] == s.Next {
		s.Ahead, s.Next = s.Ahead[1:], s.Next+1
	}
	s.Sum.Simulated += d.Simulated
	s.Sum.Events += d.Events
	for c := range sim.Counts {
		s.Sum.Counts[c.String()] += d.Counts[c]
	}
	for kind, n := range d.Faults {
		s.Sum.Faults[sim.FaultName(kind)] += n
	}
	for m := range sim.Marks {
		s.Sum.Marks[m.Name()] += min(1, d.Marks[m])
	}
	if d.Violation != nil {
		at, _ := slices.BinarySearchFunc(s.Failures, d.Seed, func(f soakFailure, seed uint64) int { return int(int64(f.Seed - seed)) })
		s.Failures = slices.Insert(s.Failures, at, soakFailure{Seed: d.Seed, Violation: *d.Violation})
	}
}

func (s *soakState) save(dir string) error {
	text, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return err
	}
	return writeAtomically(filepath.Join(dir, soakFile), append(text, '\n'))
}

// writeAtomically leaves the old file or the new one, whatever happens.
func writeAtomically(path string, text []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // renamed, if all is well
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if bad := file.Close(); err == nil {
		err = bad
	}
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// lockDir makes a folder and keeps other soaks out of it, until this process ends or calls what is returned.
func lockDir(dir string) (func(), error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: another soak runs in it: %w", dir, err)
	}
	return func() { file.Close() }, nil
}

func fileHash(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
