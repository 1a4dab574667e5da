package jepsen

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// blockSize is how much is read at once.
const blockSize = 1 << 16

// text gives out the bytes of a text, and counts its lines. What it gives out in slices
// stays as it is until the next byte is asked for.
type text struct {
	in     io.Reader // nil: the block is all
	block  []byte    // read, and given out up to at
	at     int
	failed error // of in, behind the block
	line   int
	str    string // the block, if it was made
	kept   []byte // of a token or string that a block's end cuts
}

// fill reads another block, all of the last one having been given out.
func (t *text) fill() error {
	if t.in == nil {
		return io.EOF
	}
	for range 100 { // an io.Reader may return nothing, a few times
		if t.failed != nil {
			return t.failed
		}
		n := 0
		n, t.failed = t.in.Read(t.block[:cap(t.block)])
		if t.block, t.at, t.str = t.block[:n], 0, ""; n > 0 {
			return nil
		}
	}
	if t.failed == nil {
		t.failed = io.ErrNoProgress
	}
	return t.failed
}

// rest is the text from here to the end of the line, which it doesn't give out; false if
// that is longer than a block.
func (t *text) rest() (string, bool) {
	for {
		if k := bytes.IndexByte(t.block[t.at:], '\n'); k >= 0 || t.failed == io.EOF {
			if t.str == "" {
				t.str = string(t.block)
			}
			if k < 0 {
				return t.str[t.at:], t.at < len(t.str)
			}
			return t.str[t.at : t.at+k], true
		}
		if t.in == nil || t.at == 0 && len(t.block) == cap(t.block) || !t.more() {
			return "", false
		}
	}
}

// more reads on behind what hasn't been given out.
func (t *text) more() bool {
	n := copy(t.block[:cap(t.block)], t.block[t.at:])
	t.at, t.str = 0, ""
	got := 0
	if t.failed == nil {
		got, t.failed = t.in.Read(t.block[n:cap(t.block)])
	}
	t.block = t.block[:n+got]
	return got > 0 || t.failed == io.EOF
}

func (t *text) byte() (byte, error) {
	if t.at == len(t.block) {
		if err := t.fill(); err != nil {
			return 0, err
		}
	}
	c := t.block[t.at]
	t.at++
	if c == '\n' {
		t.line++
	}
	return c, nil
}

// skip returns the first byte of the next form: behind spaces, commas and comments.
func (t *text) skip() (byte, error) {
	for {
		c, err := t.byte()
		if err != nil {
			return 0, err
		}
		switch c {
		case ' ', '\t', '\r', '\n', '\f', ',':
		case ';':
			for c != '\n' {
				if c, err = t.byte(); err != nil {
					return 0, err
				}
			}
		default:
			return c, nil
		}
	}
}

// delimits are the bytes that end a token.
var delimits = func() (d [256]bool) {
	for c := range byte(' ' + 1) {
		d[c] = true
	}
	for _, c := range []byte(`,;"()[]{}\`) {
		d[c] = true
	}
	return d
}()

// token reads on to the next delimiter; with first, the byte just read belongs to it
// whatever it is.
func (t *text) token(first bool) ([]byte, error) {
	from := t.at
	if first {
		from--
	}
	kept := t.kept[:0]
	for {
		for i, c := range t.block[t.at:] {
			if delimits[c] {
				t.at += i
				return t.whole(kept, from)
			}
		}
		kept = append(kept, t.block[from:]...)
		if t.kept = kept[:0]; len(kept) > maxToken {
			return nil, fmt.Errorf("%w: a token of more than %d bytes", ErrSyntax, maxToken)
		}
		t.at = len(t.block)
		if err := t.fill(); errors.Is(err, io.EOF) {
			return t.whole(kept, t.at)
		} else if err != nil {
			return nil, err
		}
		from = 0
	}
}

// whole is what was kept, and the block from there on to where the text is.
func (t *text) whole(kept []byte, from int) ([]byte, error) {
	b := t.block[from:t.at]
	if len(kept) > 0 {
		b = append(kept, b...)
		t.kept = b[:0]
	}
	if !utf8.Valid(b) {
		return nil, fmt.Errorf("%w: not valid UTF-8", ErrSyntax)
	}
	return b, nil
}

// run reads a part of a string, and what ends it: a quote, a backslash, or 0 if it is
// only the block that ends.
func (t *text) run() ([]byte, byte, error) {
	if t.at == len(t.block) {
		if err := t.fill(); err != nil {
			return nil, 0, err
		}
	}
	from := t.at
	for i, c := range t.block[from:] {
		switch c {
		case '\n':
			t.line++
		case '"', '\\':
			t.at += i + 1
			return t.block[from : from+i], c, nil
		}
	}
	t.at = len(t.block)
	return t.block[from:], 0, nil
}
