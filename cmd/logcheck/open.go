package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"logd/checker"
)

// source is a history that is being read, in whatever format.
type source interface {
	Header() (checker.Header, error)
	// Read replaces *op with the next operation; io.EOF after the last.
	Read(op *checker.Op) error
}

// input is an open file.
type input struct {
	label string
	bytes io.Reader // unpacked
	size  int64     // packed, 0 if not known
	read  *counter  // of packed bytes
	close func()
}

// counter counts what was read through it.
type counter struct {
	in io.Reader
	n  int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.in.Read(b)
	c.n += int64(n)
	return n, err
}

// open opens a file, - for standard input, and unpacks it if its first bytes are
// those of gzip or zstd, whatever its name.
func (c *check) open(name string) (*input, error) {
	in := &input{label: "stdin", read: &counter{in: c.stdin}, close: func() {}}
	if name != "-" {
		name, err := file(name)
		if err != nil {
			return nil, err
		}
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		in.label, in.read.in, in.close = name, f, func() { f.Close() }
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			in.size = info.Size()
		}
	}
	if err := in.unpack(); err != nil {
		in.close()
		return nil, fmt.Errorf("%s: %w", in.label, err)
	}
	return in, nil
}

func (in *input) unpack() error {
	packed := bufio.NewReaderSize(in.read, 1<<18)
	magic, err := packed.Peek(4)
	if err != nil && err != io.EOF {
		return err
	}
	in.bytes = packed
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		in.bytes, err = gzip.NewReader(packed)
		return err
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(packed, zstd.WithDecoderMaxMemory(1<<30), zstd.WithDecoderLowmem(true), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return err
		}
		closeFile := in.close
		in.bytes, in.close = z, func() { z.Close(); closeFile() }
	}
	return nil
}
