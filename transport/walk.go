package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrMalformed is wrapped by errors about bytes that are not what they should be. The connection can't be relied on any further.
var ErrMalformed = errors.New("malformed")

// maxElements bounds the array elements and tagged fields of one message together (T3): kmsg makes up to about 200 bytes of
// each, and one byte of a frame is enough to ask for one.
const maxElements = 1 << 18

// walker follows a message's bytes by its shape (T2).
type walker struct {
	src      []byte
	pos      int
	version  int16
	flexible bool
	elements int
	blobs    []int // where each field of kind blob begins: its length field
}

// walk follows one version of a message and returns where it ends, and where the length field of each bytes field is. Bytes after the end are
// left alone, as Kafka does. The error wraps [ErrMalformed].
func (s shape) walk(src []byte, version int16) (end int, blobs []int, err error) {
	w := walker{src: src, version: version, flexible: version >= s.flexible}
	if err := w.fields(s.fields); err != nil {
		return w.pos, nil, err
	}
	return w.pos, w.blobs, nil
}

func (w *walker) fields(fields []field) error {
	for i := range fields {
		f := &fields[i]
		if f.tag != noTag || w.version < f.from || w.version > f.to {
			continue
		}
		if err := w.field(f); err != nil {
			return err
		}
	}
	if w.flexible {
		return w.tags(fields)
	}
	return nil
}

func (w *walker) field(f *field) error {
	switch f.kind {
	case fixed:
		return w.skip(f.size)
	case str:
		return w.text()
	case octet:
		return w.bytes()
	case blob:
		w.blobs = append(w.blobs, w.pos)
		return w.bytes()
	case plain:
		n, err := w.count()
		if err == nil && f.size > 0 {
			return w.skip(n * f.size)
		}
		for ; n > 0 && err == nil; n-- {
			err = w.text()
		}
		return err
	case list:
		n, err := w.count()
		for ; n > 0 && err == nil; n-- {
			err = w.fields(f.of)
		}
		return err
	case group:
		return w.fields(f.of)
	case maybe:
		if err := w.need(1); err != nil {
			return err
		}
		w.pos++
		if w.src[w.pos-1]&0x80 != 0 {
			return nil
		}
		return w.fields(f.of)
	}
	panic(fmt.Sprintf("transport: shape of unknown kind %q", f.kind))
}

// tags walks the tagged fields that end a struct (KIP-482).
func (w *walker) tags(fields []field) error {
	n, err := w.uvarint()
	if err != nil {
		return err
	}
	if err := w.take(int(n), 2, "tagged fields"); err != nil {
		return err
	}
	for ; n > 0; n-- {
		key, err := w.uvarint()
		if err != nil {
			return err
		}
		size, err := w.uvarint()
		if err != nil {
			return err
		}
		start := w.pos
		if err := w.skip(int(size)); err != nil {
			return err
		}
		if err := w.known(fields, int(key), start); err != nil {
			return err
		}
	}
	return nil
}

// known walks a tagged field's content, from start to where the walker is, if the shape has it.
func (w *walker) known(fields []field, key, start int) error {
	for i := range fields {
		if fields[i].tag != key {
			continue
		}
		inner := walker{src: w.src[:w.pos], pos: start, version: w.version, flexible: true, elements: w.elements}
		err := inner.field(&fields[i])
		w.elements = inner.elements
		return err
	}
	return nil
}

func (w *walker) text() error {
	if w.flexible {
		n, err := w.length()
		if err == nil && n > math.MaxInt16 { // Kafka's bound of each string, whatever its encoding
			err = fmt.Errorf("%w: a string of %d bytes at byte %d, at most %d", ErrMalformed, n, w.pos, math.MaxInt16)
		}
		if err != nil {
			return err
		}
		return w.skip(n)
	}
	if err := w.need(2); err != nil {
		return err
	}
	n := int16(binary.BigEndian.Uint16(w.src[w.pos:]))
	w.pos += 2
	return w.skip(max(0, int(n)))
}

func (w *walker) bytes() error {
	n, err := w.length()
	if err != nil {
		return err
	}
	return w.skip(n)
}

// count reads an array's length and takes its elements from the budget.
func (w *walker) count() (int, error) {
	n, err := w.length()
	if err != nil {
		return 0, err
	}
	return n, w.take(n, 1, "array elements")
}

// length reads an int32, or a compact length, of which null is 0.
func (w *walker) length() (int, error) {
	if w.flexible {
		n, err := w.uvarint()
		return max(0, int(n)-1), err
	}
	if err := w.need(4); err != nil {
		return 0, err
	}
	n := int32(binary.BigEndian.Uint32(w.src[w.pos:]))
	w.pos += 4
	return max(0, int(n)), nil
}

// take counts n elements of at least size bytes each.
func (w *walker) take(n, size int, what string) error {
	if n*size > len(w.src)-w.pos {
		return fmt.Errorf("%w: %d %s at byte %d, and %d bytes are left", ErrMalformed, n, what, w.pos, len(w.src)-w.pos)
	}
	w.elements += n
	if w.elements > maxElements {
		return fmt.Errorf("%w: more than %d array elements and tagged fields at byte %d", ErrMalformed, maxElements, w.pos)
	}
	return nil
}

func (w *walker) skip(n int) error {
	if err := w.need(n); err != nil {
		return err
	}
	w.pos += n
	return nil
}

func (w *walker) need(n int) error {
	if n > len(w.src)-w.pos {
		return fmt.Errorf("%w: %d bytes wanted at byte %d, and %d are left", ErrMalformed, n, w.pos, len(w.src)-w.pos)
	}
	return nil
}

func (w *walker) uvarint() (uint32, error) {
	n, size := binary.Uvarint(w.src[w.pos:min(len(w.src), w.pos+5)])
	if size <= 0 || n > 1<<32-1 {
		return 0, fmt.Errorf("%w: no varint at byte %d", ErrMalformed, w.pos)
	}
	w.pos += size
	return uint32(n), nil
}
