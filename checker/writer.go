package checker

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Writer writes a history in JSON lines. It formats by hand, because simulations
// and live clients write every operation through it.
type Writer struct {
	// Header goes on the first line; set it before the first Write.
	Header Header
	out    *bufio.Writer
	buf    []byte
	begun  bool
}

// NewWriter writes a history to w, through a buffer: call Flush at the end.
func NewWriter(w io.Writer) *Writer { return &Writer{out: bufio.NewWriterSize(w, 1<<16)} }

// Write adds one operation. It returns ErrMalformed, wrapped, for one that a
// Reader would refuse, and the io.Writer's errors.
func (w *Writer) Write(op *Op) error {
	if err := op.Validate(); err != nil {
		return err
	}
	if err := w.begin(); err != nil {
		return err
	}
	w.buf = appendOp(w.buf[:0], op)
	if !ascii(w.buf) && strings.ToValidUTF8(string(w.buf), "") != string(w.buf) {
		return fmt.Errorf("%w %d: a value or name is not valid UTF-8", ErrMalformed, op.ID)
	}
	w.buf = append(w.buf, '\n')
	_, err := w.out.Write(w.buf)
	return err
}

// Flush writes what is buffered; a history without operations gets its header here.
func (w *Writer) Flush() error {
	if err := w.begin(); err != nil {
		return err
	}
	return w.out.Flush()
}

func (w *Writer) begin() error {
	if w.begun {
		return nil
	}
	w.begun = true
	b := appendString(fmt.Appendf(nil, `{"history":%d,"clock":`, FormatVersion), w.Header.Clock)
	if w.Header.Sparse {
		b = append(b, `,"sparse":true`...)
	}
	if w.Header.Retention {
		b = append(b, `,"retention":true`...)
	}
	_, err := w.out.Write(append(b, "}\n"...))
	return err
}

func appendOp(b []byte, op *Op) []byte {
	b = strconv.AppendInt(append(b, `{"id":`...), op.ID, 10)
	b = strconv.AppendInt(append(b, `,"client":`...), op.Client, 10)
	if op.Session != 0 {
		b = strconv.AppendInt(append(b, `,"session":`...), op.Session, 10)
	}
	b = append(append(append(b, `,"op":"`...), op.Kind.String()...), '"')
	b = appendText(b, `,"part":`, op.Partition)
	b = strconv.AppendInt(append(b, `,"call":`...), op.Call, 10)
	if op.Outcome == OK || op.Outcome != Unknown && op.Ret != 0 {
		b = strconv.AppendInt(append(b, `,"ret":`...), op.Ret, 10)
	}
	if op.Outcome != 0 {
		b = append(append(append(b, `,"outcome":"`...), op.Outcome.String()...), '"')
	}
	if op.Outcome == OK && op.Kind != Read && op.Kind <= FetchOffset || op.Kind == Commit {
		b = strconv.AppendInt(append(b, `,"off":`...), op.Off, 10)
	}
	switch op.Kind {
	case Read:
		b = appendRead(b, op)
	case Trim:
		b = strconv.AppendInt(append(b, `,"from":`...), op.From, 10)
	}
	b = appendFlag(b, `,"poll":true`, op.Poll)
	b = appendNames(b, `,"values":[`, op.Values)
	if op.Idempotent && op.Kind == Append {
		b = strconv.AppendInt(append(b, `,"producer":`...), op.Producer, 10)
		b = strconv.AppendInt(append(b, `,"epoch":`...), op.Epoch, 10)
		b = strconv.AppendInt(append(b, `,"seq":`...), op.Seq, 10)
	}
	b = appendText(b, `,"group":`, op.Group)
	b = appendText(b, `,"kind":`, op.Fault)
	b = appendText(b, `,"target":`, op.Target)
	b = appendNames(b, `,"parts":[`, op.Parts)
	b = appendFlag(b, `,"beginning":true`, op.Beginning)
	b = appendNames(b, `,"rebalanced":[`, op.Rebalanced)
	for i := range op.Ops {
		b = append(b, [2]string{`,"ops":[`, `,`}[min(i, 1)]...)
		b = appendOp(b, &op.Ops[i])
	}
	if len(op.Ops) > 0 {
		b = append(b, ']')
	}
	return append(b, '}')
}

func appendRead(b []byte, op *Op) []byte {
	b = strconv.AppendInt(append(b, `,"from":`...), op.From, 10)
	if op.Limit > 0 {
		b = strconv.AppendInt(append(b, `,"limit":`...), op.Limit, 10)
	}
	b = appendFlag(b, `,"lin":true`, op.Lin)
	if op.Offs == nil {
		return b
	}
	b = append(b, `,"offs":[`...)
	for i, off := range op.Offs {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, off, 10)
	}
	return append(b, ']')
}

func appendFlag(b []byte, text string, set bool) []byte {
	if set {
		b = append(b, text...)
	}
	return b
}

func appendNames(b []byte, key string, names []string) []byte {
	for i, name := range names {
		b = appendString(append(b, [2]string{key, ","}[min(i, 1)]...), name)
	}
	if len(names) > 0 {
		b = append(b, ']')
	}
	return b
}

func appendText(b []byte, key, s string) []byte {
	if s == "" {
		return b
	}
	return appendString(append(b, key...), s)
}

// appendString quotes s. Bytes that aren't UTF-8 are kept, for Write to refuse.
func appendString(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' {
			return appendEscaped(b, s)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

func appendEscaped(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			b = fmt.Appendf(b, `\u%04x`, c)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// MarshalJSON spells op as a line of a history.
func (op *Op) MarshalJSON() ([]byte, error) { return appendOp(nil, op), nil }

// UnmarshalJSON reads a line of a history. It returns ErrMalformed, wrapped, or
// encoding/json's errors.
func (op *Op) UnmarshalJSON(line []byte) error {
	var j jsonOp
	if err := json.Unmarshal(line, &j); err != nil {
		return err
	}
	var err error
	*op, err = j.op()
	return err
}
