package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// maxLine bounds the memory one line may take; brokers refuse records far smaller than this.
	maxLine = 64 << 20
	// maxChunk keeps a chunk, hence every batch of it, under Kafka's default limit of 1,048,588 bytes.
	maxChunk = 960 << 10
	// gatherWait is how long a chunk waits for the next line: more than a file or pipe needs, less than a human notices.
	gatherWait = 2 * time.Millisecond
)

// input is a line read from stdin, or what ended the reading.
type input struct {
	text []byte
	err  error
}

// readLines sends stdin's lines until its end, without line feeds; a last line needs none.
func readLines(ctx context.Context, in io.Reader, to chan<- input) {
	defer close(to)
	give := func(i input) bool {
		select {
		case to <- i:
			return true
		case <-ctx.Done():
			return false
		}
	}
	sc := bufio.NewScanner(in)
	sc.Buffer(make([]byte, 64<<10), maxLine)
	sc.Split(splitLines)
	for sc.Scan() {
		if !give(input{text: bytes.Clone(sc.Bytes())}) {
			return
		}
	}
	if sc.Err() != nil {
		give(input{err: sc.Err()})
	}
}

// splitLines is bufio.ScanLines without its removal of carriage returns: records are what was given.
func splitLines(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// make builds the record of the next line.
func (m *lineMaker) make(text []byte, now time.Time) (*line, error) {
	m.number++
	r := &kgo.Record{Topic: m.topic, Key: m.key, Value: text, Headers: m.headers, Timestamp: now}
	if m.delimiter != "" {
		k, v, ok := bytes.Cut(text, []byte(m.delimiter))
		if !ok {
			return nil, fmt.Errorf("line %d has no key delimiter %q; it and all lines after it were not sent", m.number, m.delimiter)
		}
		r.Key, r.Value = k, v
	}
	if r.Value == nil {
		r.Value = []byte{}
	}
	return &line{number: m.number, rec: r, part: m.spread.pick(r)}, nil
}

// pump reads, sends and reports until stdin ends. A chunk is what is there to read at once, so that a typed line leaves at
// once and a file goes in large batches.
func (a *app) pump(ctx context.Context, mk *lineMaker, s *sender, rep *produceReport) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lines := make(chan input, 4096)
	go readLines(ctx, a.in, lines)
	var held *line // read, but too large for the chunk before it
	for {
		chunk, rest, readErr := a.gather(ctx, mk, lines, held)
		held = rest
		if len(chunk) > 0 {
			s.send(ctx, chunk)
			mk.spread.turn++
			if err := rep.add(chunk, len(lines) == 0); err != nil {
				return err
			}
			if err := rep.stop(ctx, chunk, held); err != nil {
				return err
			}
		}
		if readErr == io.EOF && held == nil {
			return nil
		}
		if readErr != nil && readErr != io.EOF {
			return readErr
		}
	}
}

// gather waits for one line and takes along what is already there, up to maxChunk. At stdin's end the error is io.EOF.
func (a *app) gather(ctx context.Context, mk *lineMaker, lines <-chan input, held *line) (chunk []*line, rest *line, err error) {
	size := 0
	if held != nil {
		chunk, size = append(chunk, held), sizeBound(held.rec)
	}
	for {
		var in input
		var ok bool
		if len(chunk) == 0 {
			select {
			case in, ok = <-lines:
			case <-ctx.Done():
				return nil, nil, fmt.Errorf("interrupted before line %d", mk.number+1)
			}
		} else {
			select {
			case in, ok = <-lines:
			case <-time.After(gatherWait):
				return chunk, nil, nil
			}
		}
		if !ok {
			return chunk, nil, io.EOF
		}
		if in.err != nil {
			return chunk, nil, fmt.Errorf("line %d of stdin: %w", mk.number+1, in.err)
		}
		l, err := mk.make(in.text, time.Now())
		if err != nil {
			return chunk, nil, err
		}
		if size += sizeBound(l.rec); size > maxChunk && len(chunk) > 0 {
			return chunk, l, nil
		}
		chunk = append(chunk, l)
	}
}
