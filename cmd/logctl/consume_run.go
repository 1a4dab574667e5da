package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// consumer prints records until every read is done, the count is reached, or the user stops it.
type consumer struct {
	app     *app
	topic   string
	reads   map[int32]*read
	left    int64 // records still wanted; 0 means no limit
	follow  bool
	out     *bufio.Writer
	emit    func(*kgo.Record) error
	printed int64
}

func (c *consumer) run(ctx context.Context) error {
	open := c.open()
	if len(open) == 0 {
		c.app.note("no records there; --follow waits for new ones")
		return nil
	}
	tr := newTrouble()
	if c.follow {
		tr.tell(throttled(5*time.Second, func(line string) { c.app.note("%s; still trying", line) }))
	}
	cl, err := kgo.NewClient(append(c.app.clientOptions(tr),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{c.topic: open}),
		// An offset that is gone is an error to report, never a jump to somewhere else.
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.KeepControlRecords(),
		kgo.FetchMaxWait(500*time.Millisecond))...)
	if err != nil {
		return err
	}
	defer cl.Close()
	for {
		fs, err := c.poll(ctx, cl)
		switch {
		case ctx.Err() != nil && c.follow:
			return nil // stopping a follow is how it ends
		case ctx.Err() != nil:
			return fmt.Errorf("interrupted after %s", plural(c.printed, "record"))
		case err != nil:
			return c.stuck(err, tr)
		}
		finished, err := c.take(fs, cl)
		if err != nil || finished {
			return err
		}
		if err := c.out.Flush(); err != nil {
			return err
		}
	}
}

// open is the offsets to begin at, of the partitions that have anything to read.
func (c *consumer) open() map[int32]kgo.Offset {
	open := make(map[int32]kgo.Offset)
	for p, r := range c.reads {
		if !r.done() {
			open[p] = kgo.NewOffset().At(r.from)
		}
	}
	return open
}

var errStuck = errors.New("no record came")

// poll waits for records; without --follow no longer than --timeout (C4).
func (c *consumer) poll(ctx context.Context, cl *kgo.Client) (kgo.Fetches, error) {
	if c.follow {
		fs := cl.PollRecords(ctx, 10_000)
		return fs, firstFetchError(fs)
	}
	ctx, cancel := context.WithTimeout(ctx, c.app.timeout)
	defer cancel()
	fs := cl.PollRecords(ctx, 10_000)
	if err := firstFetchError(fs); err != nil {
		return fs, err
	}
	if fs.NumRecords() == 0 && ctx.Err() != nil {
		return fs, errStuck
	}
	return fs, nil
}

func firstFetchError(fs kgo.Fetches) error {
	for _, e := range fs.Errors() {
		if errors.Is(e.Err, context.DeadlineExceeded) || errors.Is(e.Err, context.Canceled) {
			continue
		}
		if e.Topic == "" {
			return e.Err
		}
		return fmt.Errorf("topic %s partition %d: %s", e.Topic, e.Partition, codeText(e.Err, ""))
	}
	return nil
}

// take prints what was fetched and says whether everything wanted has been seen.
func (c *consumer) take(fs kgo.Fetches, cl *kgo.Client) (finished bool, err error) {
	for it := fs.RecordIter(); !it.Done(); {
		rec := it.Next()
		r := c.reads[rec.Partition]
		if r == nil || rec.Offset < r.next || (r.to >= 0 && rec.Offset >= r.to) {
			continue
		}
		r.next = rec.Offset + 1
		if rec.Offset >= r.skipBelow && !rec.Attrs.IsControl() {
			if err := c.emit(rec); err != nil {
				return true, err
			}
			c.printed++
			if c.left > 0 && c.printed == c.left {
				return true, nil
			}
		}
	}
	finished = true
	for p, r := range c.reads {
		if !r.done() {
			finished = false
			continue
		}
		cl.PauseFetchPartitions(map[string][]int32{c.topic: {p}})
	}
	return finished, nil
}

// stuck says which partitions were not read to their end, and what is known about why.
func (c *consumer) stuck(err error, tr *trouble) error {
	if !errors.Is(err, errStuck) {
		return err
	}
	var behind []string
	for p, r := range c.reads {
		if !r.done() {
			behind = append(behind, fmt.Sprintf("partition %d is read to %d of %d", p, r.next, r.to))
		}
	}
	sort.Strings(behind)
	text := fmt.Sprintf("no record came for %v: %s", c.app.timeout, strings.Join(behind, ", "))
	if down := tr.lines(); len(down) > 0 {
		text += "; " + strings.Join(down, ", ")
	}
	return fmt.Errorf("topic %s: %s; see: logctl cluster health", c.topic, text)
}

// throttled passes on at most one line per interval.
func throttled(every time.Duration, say func(string)) func(string) {
	var last time.Time
	return func(line string) {
		if now := time.Now(); now.Sub(last) >= every {
			last = now
			say(line)
		}
	}
}
