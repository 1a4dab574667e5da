package jepsen

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Value is an EDN form: nil, bool, int64, float64, string, or one of the types below.
type Value any

// The forms that Go has no type for. Numbers that int64 or float64 would change, and
// characters, are kept as Literal, as they are spelled.
type (
	Keyword string // without the colon
	Symbol  string
	Literal string
	Vector  []Value
	List    []Value
	Set     []Value
	Map     []Pair // in the order of the text
	Tagged  struct {
		Tag   Symbol
		Value Value
	}
	Pair struct{ Key, Value Value }
)

// Get returns the value of a key, nil if it isn't there.
func (m Map) Get(key Keyword) Value {
	for _, p := range m {
		if p.Key == key {
			return p.Value
		}
	}
	return nil
}

// ErrSyntax is returned, wrapped, for text that is no EDN.
var ErrSyntax = errors.New("not EDN")

// maxDepth bounds the stack that hostile input can take, maxToken its memory.
const (
	maxDepth = 200
	maxToken = 64 << 20
)

// Decoder reads forms one after another.
type Decoder struct {
	in   *bufio.Reader
	line int
}

// NewDecoder reads from r, through a buffer of its own.
func NewDecoder(r io.Reader) *Decoder { return &Decoder{in: bufio.NewReaderSize(r, 1<<16), line: 1} }

// newTextDecoder reads a short text.
func newTextDecoder(s string) *Decoder {
	return &Decoder{in: bufio.NewReaderSize(strings.NewReader(s), 16), line: 1}
}

// Line is the line that is being read, from 1.
func (d *Decoder) Line() int { return d.line }

// Next returns the next form, and the line on which it begins; io.EOF after the last.
// Its errors are ErrSyntax, wrapped, and the io.Reader's.
func (d *Decoder) Next() (Value, int, error) {
	c, err := d.skip()
	if err != nil {
		return nil, d.line, err
	}
	line := d.line
	v, err := d.form(c, 0)
	if err == io.EOF {
		err = fmt.Errorf("%w: the text ends inside a form", ErrSyntax)
	}
	return v, line, err
}

func (d *Decoder) byte() (byte, error) {
	c, err := d.in.ReadByte()
	if c == '\n' && err == nil {
		d.line++
	}
	return c, err
}

func (d *Decoder) unread(c byte) {
	if c == '\n' {
		d.line--
	}
	d.in.UnreadByte() // of the byte just read, which cannot fail
}

// skip returns the first byte of the next form: behind spaces, commas and comments.
func (d *Decoder) skip() (byte, error) {
	for {
		c, err := d.byte()
		if err != nil {
			return 0, err
		}
		switch c {
		case ' ', '\t', '\r', '\n', '\f', ',':
		case ';':
			for c != '\n' {
				if c, err = d.byte(); err != nil {
					return 0, err
				}
			}
		default:
			return c, nil
		}
	}
}

func (d *Decoder) form(c byte, depth int) (Value, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: nested more than %d deep", ErrSyntax, maxDepth)
	}
	switch c {
	case '[':
		v, err := d.until(']', depth)
		return Vector(v), err
	case '(':
		v, err := d.until(')', depth)
		return List(v), err
	case '{':
		return d.pairs(depth)
	case ']', ')', '}':
		return nil, fmt.Errorf("%w: %q closes nothing", ErrSyntax, c)
	case '"':
		return d.string()
	case '#':
		return d.dispatch(depth)
	case ':':
		t, err := d.token(0)
		if err == nil && t == "" {
			err = fmt.Errorf("%w: a keyword without a name", ErrSyntax)
		}
		return Keyword(t), err
	case '\\':
		first, err := d.byte()
		if err != nil {
			return nil, err
		}
		t, err := d.token(first)
		return Literal(`\` + t), err
	}
	t, err := d.name(c)
	if err != nil {
		return nil, err
	}
	return atom(t)
}

// dispatch reads what follows a #: a set, a discarded form, or a tag with its form.
func (d *Decoder) dispatch(depth int) (Value, error) {
	c, err := d.byte()
	if err != nil {
		return nil, err
	}
	switch c {
	case '{':
		v, err := d.until('}', depth)
		return Set(v), err
	case '_':
		if _, err := d.inner(depth); err != nil {
			return nil, err
		}
		return d.inner(depth) // of a list's end, form says that it closes nothing
	case '#': // ##Inf, ##NaN
		t, err := d.token(0)
		return Literal("##" + t), err
	}
	t, err := d.name(c)
	if err != nil {
		return nil, err
	}
	v, err := d.inner(depth)
	return Tagged{Symbol(t), v}, err
}

func (d *Decoder) inner(depth int) (Value, error) {
	c, err := d.skip()
	if err != nil {
		return nil, err
	}
	return d.form(c, depth+1)
}

func (d *Decoder) until(end byte, depth int) ([]Value, error) {
	out := []Value{}
	for {
		c, err := d.skip()
		if err != nil {
			return nil, err
		}
		if c == end {
			return out, nil
		}
		v, err := d.form(c, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
}

func (d *Decoder) pairs(depth int) (Value, error) {
	flat, err := d.until('}', depth)
	if err != nil {
		return nil, err
	}
	if len(flat)%2 != 0 {
		return nil, fmt.Errorf("%w: a map of %d forms, a key lacks its value", ErrSyntax, len(flat))
	}
	m := Map{}
	for i := 0; i < len(flat); i += 2 {
		if _, ok := flat[i].(Map); ok {
			return nil, fmt.Errorf("%w: a map as the key of a map", ErrSyntax)
		}
		m = append(m, Pair{flat[i], flat[i+1]})
	}
	return m, nil
}

// delimits reports whether c ends a token.
func delimits(c byte) bool { return c <= ' ' || strings.IndexByte(`,;"()[]{}\`, c) >= 0 }

// name is a token that begins with first.
func (d *Decoder) name(first byte) (string, error) {
	if delimits(first) {
		return "", fmt.Errorf("%w: a stray %q", ErrSyntax, first)
	}
	return d.token(first)
}

// token reads on to the next delimiter; first, if not 0, belongs to it whatever it is.
func (d *Decoder) token(first byte) (string, error) {
	var b []byte
	if first != 0 {
		b = append(b, first)
	}
	for {
		c, err := d.byte()
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
		if delimits(c) {
			d.unread(c)
			break
		}
		if b = append(b, c); len(b) > maxToken {
			return "", fmt.Errorf("%w: a token of more than %d bytes", ErrSyntax, maxToken)
		}
	}
	if !utf8.Valid(b) {
		return "", fmt.Errorf("%w: not valid UTF-8", ErrSyntax)
	}
	return string(b), nil
}

// atom is what a bare token stands for.
func atom(t string) (Value, error) {
	switch t {
	case "nil":
		return nil, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	digits := strings.TrimLeft(t, "+-")
	if digits == "" || digits[0] < '0' || digits[0] > '9' || len(t)-len(digits) > 1 {
		return Symbol(t), nil
	}
	if n, err := strconv.ParseInt(t, 10, 64); err == nil {
		if strconv.FormatInt(n, 10) == t {
			return n, nil
		}
		return Literal(t), nil
	}
	if f, err := strconv.ParseFloat(t, 64); err == nil && formatFloat(f) == t {
		return f, nil
	}
	if strings.Trim(t, "+-0123456789.eENMxXabcdfABCDF/r") == "" {
		return Literal(t), nil
	}
	return nil, fmt.Errorf("%w: %q is neither a number nor a name", ErrSyntax, t)
}

func formatFloat(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

var escapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f', '"': '"', '\\': '\\'}

func (d *Decoder) string() (Value, error) {
	var b []byte
	for {
		c, err := d.byte()
		if err != nil {
			return nil, err
		}
		switch {
		case c == '"' && utf8.Valid(b):
			return string(b), nil
		case c == '"':
			return nil, fmt.Errorf("%w: a string is not valid UTF-8", ErrSyntax)
		case c == '\\':
			if b, err = d.escape(b); err != nil {
				return nil, err
			}
		default:
			b = append(b, c)
		}
		if len(b) > maxToken {
			return nil, fmt.Errorf("%w: a string of more than %d bytes", ErrSyntax, maxToken)
		}
	}
}

func (d *Decoder) escape(b []byte) ([]byte, error) {
	c, err := d.byte()
	if err != nil {
		return nil, err
	}
	if c == 'u' {
		var hex [4]byte
		for i := range hex {
			if hex[i], err = d.byte(); err != nil {
				return nil, err
			}
		}
		n, err := strconv.ParseUint(string(hex[:]), 16, 32)
		if err != nil {
			return nil, fmt.Errorf("%w: \\u%q in a string", ErrSyntax, hex)
		}
		return utf8.AppendRune(b, rune(n)), nil
	}
	plain, ok := escapes[c]
	if !ok {
		return nil, fmt.Errorf("%w: \\%c in a string", ErrSyntax, c)
	}
	return append(b, plain), nil
}
