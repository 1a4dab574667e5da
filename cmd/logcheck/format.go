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
	switch {
	case jepsen.SniffText(begin):
		return jepsen.NewReader(jepsen.NewTextEvents(b)), nil
	case jepsen.Sniff(begin):
		return jepsen.NewReader(jepsen.NewEvents(b)), nil
	}
	return checker.NewReader(b), nil
}
