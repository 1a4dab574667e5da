package jepsen

import "strings"

// space goes over what separates forms in a line.
func (q *quick) space() {
	for q.i < len(q.s) {
		switch q.s[q.i] {
		case ' ', ',', '\t', '\r', '\f':
			q.i++
		default:
			return
		}
	}
}

// peek is the first byte of the next form, 0 at the end.
func (q *quick) peek() byte {
	q.space()
	if q.i == len(q.s) {
		return 0
	}
	return q.s[q.i]
}

// byte takes c and the space before it.
func (q *quick) byte(c byte) bool {
	if q.peek() != c || c == 0 {
		return false
	}
	q.i++
	return true
}

// open takes the begin of a list or vector. It returns the byte that ends it, or 0.
func (q *quick) open() byte {
	switch {
	case q.byte('['):
		return ']'
	case q.byte('('):
		return ')'
	}
	return 0
}

// token is the text up to the next delimiter, which is ASCII and not empty.
func (q *quick) token() (string, bool) {
	for k := q.i; ; k++ {
		if k == len(q.s) || delimits[q.s[k]] {
			t := q.s[q.i:k]
			q.i = k
			return t, t != ""
		}
		if q.s[k] >= 0x80 {
			return "", false
		}
	}
}

// word takes exactly w.
func (q *quick) word(w string) bool {
	q.space()
	t, ok := q.token()
	return ok && t == w
}

func (q *quick) bool(b *bool) bool {
	q.space()
	t, ok := q.token()
	*b = t == "true"
	return ok && (*b || t == "false")
}

func (q *quick) keyword() (string, bool) {
	if !q.byte(':') {
		return "", false
	}
	return q.token()
}

// int takes a number of the usual spelling, of at most 18 digits, as plain does.
func (q *quick) int() (n int64, ok bool) {
	q.space()
	k, sign := q.i, int64(1)
	if k < len(q.s) && q.s[k] == '-' {
		sign = -1
		k++
	}
	first := k
	for ; k < len(q.s) && k-first < 19; k++ {
		c := q.s[k] - '0'
		if c > 9 {
			break
		}
		n = 10*n + int64(c)
	}
	if k == first || k-first > 18 || q.s[first] == '0' && (k-first > 1 || sign < 0) || k < len(q.s) && !delimits[q.s[k]] {
		return 0, false
	}
	q.i = k
	return sign * n, true
}

// text takes a string of printable ASCII without escapes.
func (q *quick) text() (string, bool) {
	if !q.byte('"') {
		return "", false
	}
	for k := q.i; k < len(q.s); k++ {
		switch c := q.s[k]; {
		case c == '"':
			t := q.s[q.i:k]
			q.i = k + 1
			return t, true
		case c == '\\' || c < ' ' || c > '~':
			return "", false
		}
	}
	return "", false
}

// name takes a form of which nameOf is the text: a number, a keyword, or a string that
// spells no form itself.
func (q *quick) name() (string, bool) {
	switch c := q.peek(); {
	case c == '"':
		t, ok := q.text()
		return t, ok && (word(t) || noNumber(t))
	case c >= '0' && c <= '9':
		t, ok := q.token()
		return t, ok && strings.Trim(t, numeric) == ""
	case c == ':':
		t, ok := q.token()
		return t, ok && len(t) > 1
	}
	return "", false
}

// numeric has the bytes of which atom takes any token for a number that begins with a
// digit, of whatever kind.
const numeric = "+-0123456789.eENMxXabcdfABCDF/r"

// noNumber reports whether a string of letters and digits begins with a digit and is no
// number: atom refuses it.
func noNumber(t string) bool {
	if t == "" || t[0] > '9' {
		return false
	}
	letter := false
	for i := range len(t) {
		c := t[i]
		switch {
		case c >= '0' && c <= '9':
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			letter = letter || strings.IndexByte(numeric, c) < 0
		default:
			return false
		}
	}
	return letter
}

// atom takes the value of an unknown key, if it is one that can be gone over.
func (q *quick) atom() bool {
	switch c := q.peek(); {
	case c == '"':
		_, ok := q.text()
		return ok
	case c == ':':
		t, ok := q.token()
		return ok && len(t) > 1
	case c == 'n':
		return q.word("nil")
	case c == 't' || c == 'f':
		var b bool
		return q.bool(&b)
	}
	_, ok := q.int()
	return ok
}
