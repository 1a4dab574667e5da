package jepsen

import (
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
	text
	// stack has the elements of the lists that are open.
	stack []Value
	// values and pairs are cut from blocks, a list or map each.
	values []Value
	maps   []Pair
	// keywords are boxed once: a history has few, and each in every event.
	keywords map[string]Value
}

// maxKeywords bounds how many are kept, maxKeyword how long they are.
const maxKeywords, maxKeyword = 1024, 64

// NewDecoder reads from r, through a buffer of its own.
func NewDecoder(r io.Reader) *Decoder {
	return &Decoder{text: text{in: r, block: make([]byte, 0, blockSize), line: 1}}
}

// newTextDecoder reads a short text.
func newTextDecoder(s string) *Decoder { return &Decoder{text: text{block: []byte(s), line: 1}} }

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
		return d.keyword()
	case '\\':
		if _, err := d.byte(); err != nil {
			return nil, err
		}
		t, err := d.token(true)
		return Literal(`\` + string(t)), err
	}
	t, err := d.name(c)
	if err != nil {
		return nil, err
	}
	return atom(t)
}

func (d *Decoder) keyword() (Value, error) {
	t, err := d.token(false)
	if err != nil {
		return nil, err
	}
	if len(t) == 0 {
		return nil, fmt.Errorf("%w: a keyword without a name", ErrSyntax)
	}
	if v, ok := d.keywords[string(t)]; ok {
		return v, nil
	}
	var v Value = Keyword(t)
	if len(t) <= maxKeyword && len(d.keywords) < maxKeywords {
		if d.keywords == nil {
			d.keywords = map[string]Value{}
		}
		d.keywords[string(t)] = v
	}
	return v, nil
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
		t, err := d.token(false)
		return Literal("##" + string(t)), err
	}
	t, err := d.name(c)
	if err != nil {
		return nil, err
	}
	tag := opTag
	if string(t) != string(opTag) {
		tag = Symbol(t)
	}
	v, err := d.inner(depth)
	return Tagged{tag, v}, err
}

func (d *Decoder) inner(depth int) (Value, error) {
	c, err := d.skip()
	if err != nil {
		return nil, err
	}
	return d.form(c, depth+1)
}

// until reads the elements up to the end of a list.
func (d *Decoder) until(end byte, depth int) ([]Value, error) {
	base := len(d.stack)
	err := d.elements(end, depth)
	out := append(carve(&d.values, len(d.stack)-base), d.stack[base:]...)
	d.pop(base)
	return out, err
}

// carve returns room for n, cut from a block that many lists share.
func carve[T any](block *[]T, n int) []T {
	const many = 256
	if n > many/8 {
		return make([]T, 0, n)
	}
	if len(*block) < n || *block == nil {
		*block = make([]T, many)
	}
	room := (*block)[:0:n]
	*block = (*block)[n:]
	return room
}

// pop takes the elements of a list from the stack.
func (d *Decoder) pop(base int) {
	clear(d.stack[base:])
	d.stack = d.stack[:base]
}

func (d *Decoder) elements(end byte, depth int) error {
	for {
		c, err := d.skip()
		if err != nil {
			return err
		}
		if c == end {
			return nil
		}
		v, err := d.form(c, depth+1)
		if err != nil {
			return err
		}
		d.stack = append(d.stack, v)
	}
}

func (d *Decoder) pairs(depth int) (Value, error) {
	base := len(d.stack)
	defer d.pop(base)
	if err := d.elements('}', depth); err != nil {
		return nil, err
	}
	flat := d.stack[base:]
	if len(flat)%2 != 0 {
		return nil, fmt.Errorf("%w: a map of %d forms, a key lacks its value", ErrSyntax, len(flat))
	}
	m := Map(carve(&d.maps, len(flat)/2))
	for i := 0; i < len(flat); i += 2 {
		if _, ok := flat[i].(Map); ok {
			return nil, fmt.Errorf("%w: a map as the key of a map", ErrSyntax)
		}
		m = append(m, Pair{flat[i], flat[i+1]})
	}
	return m, nil
}

// name is a token that begins with first, which was just read.
func (d *Decoder) name(first byte) ([]byte, error) {
	if delimits[first] {
		return nil, fmt.Errorf("%w: a stray %q", ErrSyntax, first)
	}
	return d.token(true)
}

// atom is what a bare token stands for.
func atom(b []byte) (Value, error) {
	if n, ok := plain(b); ok {
		return n, nil
	}
	t := string(b)
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

// plain reads a number of the usual spelling that any int64 has room for.
func plain(b []byte) (int64, bool) {
	sign := int64(1)
	if len(b) > 1 && b[0] == '-' {
		sign, b = -1, b[1:]
	}
	if len(b) == 0 || len(b) > 18 || b[0] == '0' && (len(b) > 1 || sign < 0) {
		return 0, false
	}
	n := int64(0)
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return sign * n, true
}

func formatFloat(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

var escapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f', '"': '"', '\\': '\\'}

func (d *Decoder) string() (Value, error) {
	var b []byte
	for {
		run, c, err := d.run()
		if err != nil {
			return nil, err
		}
		if c == '"' && b == nil {
			b = run // of which the string is a copy
		} else {
			b = append(b, run...)
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
