package jepsen

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"logd/checker"
)

// ErrMalformed is returned, wrapped, for a form that is no operation of a history.
var ErrMalformed = errors.New("malformed operation")

// Event is one map of a history: an invocation or a completion.
type Event struct {
	Line int // where it was read, from 1; 0 if it wasn't
	// Tagged says that it is spelled #jepsen.history.Op{…}.
	Tagged bool
	// Map has all keys, in their order.
	Map Map
}

const opTag = Symbol("jepsen.history.Op")

func (e *Event) keyword(key Keyword) Keyword {
	k, _ := e.Map.Get(key).(Keyword)
	return k
}

func (e *Event) form() Value {
	if e.Tagged {
		return Tagged{opTag, e.Map}
	}
	return e.Map
}

// Events reads the events of a history one after another.
type Events struct {
	d    *Decoder
	text *bufio.Scanner // of a history.txt, else nil
	line int
	end  byte // closes the list or vector that the events are in, or 0
}

// NewEvents reads the events of a history.edn: maps, one after another or in one vector
// or list.
func NewEvents(r io.Reader) *Events { return &Events{d: NewDecoder(r)} }

// NewTextEvents reads the events of a history.txt: process, type, function and value,
// with tabs between, and perhaps an error. It has no times: its lines are.
func NewTextEvents(r io.Reader) *Events {
	in := bufio.NewScanner(r)
	in.Buffer(nil, maxToken)
	return &Events{text: in}
}

// Next returns the next event; io.EOF after the last. Its errors are *checker.LineError,
// and those of the io.Reader.
func (r *Events) Next() (Event, error) {
	if r.text != nil {
		return r.nextLine()
	}
	for {
		c, err := r.d.skip()
		if err == io.EOF && r.end != 0 {
			err = fmt.Errorf("%w: the text ends inside a form", ErrSyntax)
		}
		switch {
		case err != nil:
			return Event{}, r.at(err)
		case r.end != 0 && c == r.end:
			r.end = 0
		case r.end == 0 && c == '[':
			r.end = ']'
		case r.end == 0 && c == '(':
			r.end = ')'
		default:
			return r.event(c)
		}
	}
}

// ahead is the rest of a line that begins like an event, which it doesn't give out; false
// if there is none, or the line is longer than a block.
func (r *Events) ahead() (string, bool) {
	if r.text != nil {
		return "", false
	}
	for {
		if r.d.at == len(r.d.block) && r.d.fill() != nil {
			return "", false
		}
		switch r.d.block[r.d.at] {
		case '\n', ' ':
			if _, err := r.d.byte(); err != nil {
				return "", false
			}
		case '{', '#':
			return r.d.rest()
		default:
			return "", false
		}
	}
}

func (r *Events) event(c byte) (Event, error) {
	e := Event{Line: r.d.Line()}
	v, err := r.d.form(c, 0)
	if err == io.EOF {
		err = fmt.Errorf("%w: the text ends inside a form", ErrSyntax)
	}
	if err != nil {
		return e, r.at(err)
	}
	if t, ok := v.(Tagged); ok && t.Tag == opTag {
		e.Tagged, v = true, t.Value
	}
	m, ok := v.(Map)
	if !ok {
		return e, &checker.LineError{Line: e.Line, Err: fmt.Errorf("%w: %.60s is no map", ErrMalformed, Append(nil, v))}
	}
	e.Map = m
	return e, nil
}

// at says where the text is no EDN.
func (r *Events) at(err error) error {
	if errors.Is(err, ErrSyntax) {
		return &checker.LineError{Line: r.d.Line(), Err: err}
	}
	return err
}

func (r *Events) nextLine() (Event, error) {
	for r.text.Scan() {
		r.line++
		if strings.TrimSpace(r.text.Text()) == "" {
			continue
		}
		e, err := textEvent(r.text.Text(), r.line)
		if err != nil {
			err = &checker.LineError{Line: r.line, Err: err}
		}
		return e, err
	}
	if err := r.text.Err(); err != nil {
		return Event{}, err
	}
	return Event{}, io.EOF
}

// Read reads all events of a history.edn. Its errors are those of [Events.Next].
func Read(r io.Reader) ([]Event, error) { return all(NewEvents(r)) }

// ReadText reads all events of a history.txt.
func ReadText(r io.Reader) ([]Event, error) { return all(NewTextEvents(r)) }

func all(r *Events) ([]Event, error) {
	var events []Event
	for {
		e, err := r.Next()
		if err == io.EOF {
			return events, nil
		}
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
}

// elements are those of a list or vector.
func elements(v Value) ([]Value, bool) {
	switch v := v.(type) {
	case Vector:
		return v, true
	case List:
		return v, true
	}
	return nil, false
}

func textEvent(text string, line int) (Event, error) {
	keys := []Keyword{"process", "type", "f", "value", "error"}
	fields := strings.SplitN(text, "\t", len(keys))
	if len(fields) < 3 {
		return Event{}, fmt.Errorf("%w: %d columns of process, type, function and value", ErrMalformed, len(fields))
	}
	e := Event{Line: line, Map: Map{{Keyword("time"), int64(line)}}}
	for i, f := range fields {
		v, _, err := newTextDecoder(f).Next()
		if err == io.EOF {
			continue
		}
		if err != nil {
			return Event{}, err
		}
		e.Map = append(e.Map, Pair{keys[i], v})
	}
	return e, nil
}

// Write writes events, one a line.
func Write(w io.Writer, events []Event) error {
	out := bufio.NewWriterSize(w, 1<<16)
	var b []byte
	for i := range events {
		b = append(Append(b[:0], events[i].form()), '\n')
		if _, err := out.Write(b); err != nil {
			return err
		}
	}
	return out.Flush()
}
