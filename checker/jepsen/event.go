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

// Read reads the events of a history.edn: maps, one after another or in one vector
// or list. Its errors are *checker.LineError, and those of the io.Reader.
func Read(r io.Reader) ([]Event, error) {
	d := NewDecoder(r)
	var events []Event
	for {
		v, line, err := d.Next()
		if err == io.EOF {
			return events, nil
		}
		if errors.Is(err, ErrSyntax) {
			return nil, &checker.LineError{Line: d.Line(), Err: err}
		}
		if err != nil {
			return nil, err
		}
		if all, ok := elements(v); ok {
			for _, v := range all {
				if events, err = add(events, v, line); err != nil {
					return nil, err
				}
			}
			continue
		}
		if events, err = add(events, v, line); err != nil {
			return nil, err
		}
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

func add(events []Event, v Value, line int) ([]Event, error) {
	e := Event{Line: line}
	if t, ok := v.(Tagged); ok && t.Tag == opTag {
		e.Tagged, v = true, t.Value
	}
	m, ok := v.(Map)
	if !ok {
		return nil, &checker.LineError{Line: line, Err: fmt.Errorf("%w: %.60s is no map", ErrMalformed, Append(nil, v))}
	}
	e.Map = m
	return append(events, e), nil
}

// ReadText reads the events of a history.txt: process, type, function and value,
// with tabs between, and perhaps an error. It has no times: its lines are.
func ReadText(r io.Reader) ([]Event, error) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, maxToken)
	var events []Event
	for line := 1; in.Scan(); line++ {
		if strings.TrimSpace(in.Text()) == "" {
			continue
		}
		e, err := textEvent(in.Text(), line)
		if err != nil {
			return nil, &checker.LineError{Line: line, Err: err}
		}
		events = append(events, e)
	}
	return events, in.Err()
}

func textEvent(text string, line int) (Event, error) {
	keys := []Keyword{"process", "type", "f", "value", "error"}
	fields := strings.SplitN(text, "\t", len(keys))
	if len(fields) < 3 {
		return Event{}, fmt.Errorf("%w: %d columns of process, type, function and value", ErrMalformed, len(fields))
	}
	e := Event{Line: line, Map: Map{{Keyword("time"), int64(line)}}}
	for i, f := range fields {
		v, _, err := NewDecoder(strings.NewReader(f)).Next()
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
