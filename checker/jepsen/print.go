package jepsen

import (
	"fmt"
	"strconv"
)

// Append adds a form's text to b, as Clojure prints it.
func Append(b []byte, v Value) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "nil"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return append(b, formatFloat(v)...)
	case string:
		return appendQuoted(b, v)
	case Keyword:
		return append(append(b, ':'), v...)
	case Symbol:
		return append(b, v...)
	case Literal:
		return append(b, v...)
	case Vector:
		return appendAll(b, "[", v, "]")
	case List:
		return appendAll(b, "(", v, ")")
	case Set:
		return appendAll(b, "#{", v, "}")
	case Map:
		return appendMap(b, v)
	case Tagged:
		b = append(append(b, '#'), v.Tag...)
		if _, ok := v.Value.(Map); !ok {
			b = append(b, ' ')
		}
		return Append(b, v.Value)
	}
	panic(fmt.Sprintf("jepsen: %T is no form", v))
}

func appendAll(b []byte, open string, all []Value, end string) []byte {
	b = append(b, open...)
	for i, v := range all {
		if i > 0 {
			b = append(b, ' ')
		}
		b = Append(b, v)
	}
	return append(b, end...)
}

func appendMap(b []byte, m Map) []byte {
	b = append(b, '{')
	for i, p := range m {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = Append(append(Append(b, p.Key), ' '), p.Value)
	}
	return append(b, '}')
}

func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\t':
			b = append(b, `\t`...)
		case '\r':
			b = append(b, `\r`...)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// nameOf is the name of a value or partition in a checker.Op: a form's text. Strings
// go without quotes, unless they would then read as another form (E3).
func nameOf(v Value) string {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case string:
		if !spellsForm(v) {
			return v
		}
	}
	return string(Append(nil, v))
}

// formOf is the form that a name stands for: the reverse of nameOf.
func formOf(name string) Value {
	if v, ok := parseName(name); ok {
		return v
	}
	return name
}

func spellsForm(s string) bool {
	_, ok := parseName(s)
	return ok
}

// parseName returns the one form that a name is the text of.
func parseName(name string) (Value, bool) {
	if word(name) {
		return nil, false
	}
	d := newTextDecoder(name)
	v, _, err := d.Next()
	if err != nil {
		return nil, false
	}
	if _, bare := v.(Symbol); bare || string(Append(nil, v)) != name {
		return nil, false
	}
	return v, true
}

// word reports whether a name begins like a symbol, which no name stands for, and
// isn't one of the words that are forms.
func word(name string) bool {
	if name == "" || name == "nil" || name == "true" || name == "false" {
		return false
	}
	c := name[0] | 0x20
	return c >= 'a' && c <= 'z'
}
