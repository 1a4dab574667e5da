package main

import (
	"bufio"
	"io"
	"os"

	"logd/checker"
	"logd/checker/jepsen"
)

// sniff is how much of a file its format is told by, in bytes.
const sniff = 4096

// file returns the file that a path stands for: of a directory, the history in it.
func file(path string) (string, error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return path, nil // opening it says what is wrong
	}
	return jepsen.Find(path)
}

// source is the history of an open file, in the format that its first bytes tell.
func (in *input) source() (source, error) {
	b := bufio.NewReaderSize(in.bytes, 1<<18)
	begin, err := b.Peek(sniff)
	if err != nil && err != io.EOF {
		return nil, err
	}
	read := jepsen.Read
	switch {
	case jepsen.SniffText(begin):
		read = jepsen.ReadText
	case !jepsen.Sniff(begin):
		return checker.NewReader(b), nil
	}
	events, err := read(b)
	if err != nil {
		return nil, err
	}
	h, err := jepsen.History(events)
	return &whole{h: h}, err
}

// whole is a history that is in memory already.
type whole struct {
	h    checker.History
	next int
}

func (w *whole) Header() (checker.Header, error) { return w.h.Header, nil }

func (w *whole) Read(op *checker.Op) error {
	if w.next == len(w.h.Ops) {
		return io.EOF
	}
	*op = w.h.Ops[w.next]
	w.next++
	return nil
}
