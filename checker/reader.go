package checker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// FormatVersion is that of the JSON-lines history that this package reads and
// writes: {"history":1} in the header.
const FormatVersion = 1

// maxLine bounds the memory that hostile input can take, in bytes.
const maxLine = 256 << 20

// LineError says which line of a history cannot be read, counted from 1.
type LineError struct {
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e *LineError) Unwrap() error { return e.Err }

// Reader reads a history in JSON lines, one operation at a time. Unknown keys are
// ignored, empty lines are skipped.
type Reader struct {
	in     io.Reader
	block  []byte // read; the last line may be cut short
	failed error  // of in, behind the block
	rest   string // lines to come
	valid  bool   // they are UTF-8
	line   int
	header Header
	begun  bool
	err    error
	decode decoder
}

// blockSize is how much is read, and becomes strings, at once.
const blockSize = 1 << 17

// NewReader reads a history from r, through a buffer of its own.
func NewReader(r io.Reader) *Reader { return &Reader{in: r} }

// Header returns what the first line says. Its errors are *[LineError], and
// those of the io.Reader.
func (r *Reader) Header() (Header, error) {
	if r.err == nil && !r.begun {
		r.begun = true
		r.err = r.readHeader()
	}
	return r.header, r.err
}

// Line is the number of the line last read, from 1.
func (r *Reader) Line() int { return r.line }

// Next returns the next operation; io.EOF after the last. Every other error is a
// *[LineError], wraps one of the io.Reader if it comes from there, and repeats.
func (r *Reader) Next() (Op, error) {
	var op Op
	if err := r.Read(&op); err != nil {
		return Op{}, err
	}
	return op.Clone(), nil
}

// Read is Next into *op, all of which it replaces. It needs no memory of its own
// for an operation: op's slices are used again for the next, and its strings are
// cut from a block of lines, which they keep in memory.
func (r *Reader) Read(op *Op) error {
	if _, err := r.Header(); err != nil {
		return err
	}
	line, err := r.nextLine()
	if err != nil {
		r.err = err
		return err
	}
	if r.decode.decode(line, op) {
		return nil
	}
	var j jsonOp
	if err := json.Unmarshal([]byte(line), &j); err != nil {
		return r.fail(err)
	}
	if *op, err = j.op(); err != nil {
		return r.fail(err)
	}
	return nil
}

func (r *Reader) fail(err error) error {
	r.err = &LineError{r.line, err}
	return r.err
}

func (r *Reader) readHeader() error {
	line, err := r.nextLine()
	if err == io.EOF {
		return &LineError{1, errors.New("empty: a history begins with {\"history\":1}")}
	}
	if err != nil {
		return err
	}
	var h struct {
		History   *int   `json:"history"`
		Clock     string `json:"clock"`
		Sparse    bool   `json:"sparse"`
		Retention bool   `json:"retention"`
	}
	if err := json.Unmarshal([]byte(line), &h); err != nil {
		return &LineError{r.line, fmt.Errorf("no header, which is {\"history\":1}: %w", err)}
	}
	if h.History == nil {
		return &LineError{r.line, errors.New("no header: a history begins with {\"history\":1}")}
	}
	if *h.History != FormatVersion {
		return &LineError{r.line, fmt.Errorf("history version %d, this reads version %d", *h.History, FormatVersion)}
	}
	r.header = Header{Clock: h.Clock, Sparse: h.Sparse, Retention: h.Retention}
	return nil
}

// nextLine returns the next line that isn't empty.
func (r *Reader) nextLine() (string, error) {
	for {
		for r.rest == "" {
			if err := r.fill(); err != nil {
				return "", err
			}
		}
		r.line++
		line, rest, _ := strings.Cut(r.rest, "\n")
		r.rest = rest
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		// encoding/json would make one value of two by replacing bad bytes.
		if !r.valid && !utf8.ValidString(line) {
			return "", &LineError{r.line, errors.New("not valid UTF-8")}
		}
		return line, nil
	}
}

// fill makes text of the whole lines that there are, reading on until there is one.
func (r *Reader) fill() error {
	for {
		cut := bytes.LastIndexByte(r.block, '\n') + 1
		if r.failed == io.EOF {
			cut = len(r.block)
		}
		if cut > 0 {
			r.rest = string(r.block[:cut])
			r.valid = utf8.ValidString(r.rest)
			r.block = r.block[:copy(r.block, r.block[cut:])]
			return nil
		}
		switch {
		case r.failed == io.EOF:
			return io.EOF
		case r.failed != nil:
			return &LineError{r.line + 1, r.failed}
		case len(r.block) > maxLine:
			return &LineError{r.line + 1, fmt.Errorf("longer than %d bytes", maxLine)}
		}
		r.more()
	}
}

func (r *Reader) more() {
	if n := len(r.block); cap(r.block)-n < blockSize/2 {
		r.block = append(make([]byte, 0, max(blockSize, 2*n)), r.block...)
	}
	n := len(r.block)
	got := 0
	for range 100 { // an io.Reader may return nothing, a few times
		got, r.failed = r.in.Read(r.block[n:cap(r.block)])
		if got > 0 || r.failed != nil {
			break
		}
	}
	if got == 0 && r.failed == nil {
		r.failed = io.ErrNoProgress
	}
	r.block = r.block[:n+got]
}

func ascii(b []byte) bool {
	for _, x := range b {
		if x >= 0x80 {
			return false
		}
	}
	return true
}

// ReadAll reads a whole history into memory. Its errors are those of [Reader].
func ReadAll(in io.Reader) (History, error) {
	r := NewReader(in)
	var h History
	var err error
	if h.Header, err = r.Header(); err != nil {
		return h, err
	}
	for {
		op, err := r.Next()
		if err == io.EOF {
			return h, nil
		}
		if err != nil {
			return h, err
		}
		h.Ops = append(h.Ops, op)
	}
}
