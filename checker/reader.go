package checker

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	in     *bufio.Reader
	line   int
	long   []byte
	header Header
	begun  bool
	err    error
}

// NewReader reads a history from r, through a buffer of its own.
func NewReader(r io.Reader) *Reader { return &Reader{in: bufio.NewReaderSize(r, 1<<16)} }

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
// *[LineError] or comes from the io.Reader, and repeats.
func (r *Reader) Next() (op Op, err error) {
	err = r.Read(&op)
	return op, err
}

// Read is Next into *op, all of which it replaces.
func (r *Reader) Read(op *Op) error {
	if _, err := r.Header(); err != nil {
		return err
	}
	line, err := r.nextLine()
	if err != nil {
		r.err = err
		return err
	}
	var j jsonOp
	if err := json.Unmarshal(line, &j); err != nil {
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
		History *int   `json:"history"`
		Clock   string `json:"clock"`
		Sparse  bool   `json:"sparse"`
	}
	if err := json.Unmarshal(line, &h); err != nil {
		return &LineError{r.line, err}
	}
	if h.History == nil {
		return &LineError{r.line, errors.New("no header: a history begins with {\"history\":1}")}
	}
	if *h.History != FormatVersion {
		return &LineError{r.line, fmt.Errorf("history version %d, this reads version %d", *h.History, FormatVersion)}
	}
	r.header = Header{Clock: h.Clock, Sparse: h.Sparse}
	return nil
}

// nextLine returns the next line that isn't empty, valid until the next call.
func (r *Reader) nextLine() ([]byte, error) {
	for {
		line, err := r.rawLine()
		if err != nil {
			return nil, err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		// encoding/json would make one value of two by replacing bad bytes.
		if !ascii(line) && !bytes.Equal(bytes.ToValidUTF8(line, nil), line) {
			return nil, &LineError{r.line, errors.New("not valid UTF-8")}
		}
		return line, nil
	}
}

func (r *Reader) rawLine() ([]byte, error) {
	r.line++
	r.long = r.long[:0]
	for {
		part, err := r.in.ReadSlice('\n')
		if err == nil && len(r.long) == 0 {
			return part, nil
		}
		r.long = append(r.long, part...)
		switch {
		case err == nil, err == io.EOF && len(r.long) > 0:
			return r.long, nil
		case err != bufio.ErrBufferFull:
			return nil, err
		case len(r.long) > maxLine:
			return nil, &LineError{r.line, fmt.Errorf("longer than %d bytes", maxLine)}
		}
	}
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
