package main

import (
	"bufio"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
)

type consumeFlags struct {
	partitions []int32
	offset     string
	follow     bool
	count      int64
	format     string
}

func newTopicConsume(a *app) *cobra.Command {
	var f consumeFlags
	cmd := &cobra.Command{
		Use:   "consume NAME",
		Short: "Print a topic's records, up to its current end or, with --follow, for ever",
		Long: `Print a topic's records: values, one a line, unless --format or --json says otherwise.
Stops at the end the topic had when the command started, unless --follow.

--offset says where to begin, in every partition: start, end, 42 (an offset), -10 (the last ten), +10 (after the first
ten), @TIME (RFC 3339, milliseconds since 1970, or @-1h ago), or a range of two, the second excluded: 5:10, :end.

--format, default '%v\n':
` + formatHelp,
		Example: `  logctl topic consume orders -n 10
  logctl topic consume orders -o -5 -f --format '%p/%o %k=%v\n'
  logctl topic consume orders -p 3 -o @-1h --json`,
		Args: names("topic name", 1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.consumeTopic(cmd.Context(), args[0], f, cmd.Flags().Changed("format"), cmd.Flags().Changed("num"))
		},
	}
	fl := cmd.Flags()
	fl.Int32SliceVarP(&f.partitions, "partition", "p", nil, "only these partitions")
	fl.StringVarP(&f.offset, "offset", "o", "start", "where to begin, or a range")
	fl.BoolVarP(&f.follow, "follow", "f", false, "wait for new records after the end")
	fl.Int64VarP(&f.count, "num", "n", 0, "stop after so many records")
	fl.StringVar(&f.format, "format", `%v\n`, "how to print a record")
	return cmd
}

func (a *app) consumeTopic(ctx context.Context, name string, f consumeFlags, formatted, counted bool) error {
	want, err := parseSpan(f.offset, time.Now())
	if err != nil {
		return err
	}
	if f.follow && want.to != nil {
		return usagef("--follow has no end, but --offset %s names one; drop one of the two", f.offset)
	}
	if formatted && a.json {
		return usagef("--format and --json exclude each other")
	}
	if counted && f.count <= 0 {
		return usagef("--num is %d; give 1 or more", f.count)
	}
	format, err := parseFormat(f.format)
	if err != nil {
		return err
	}
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	td, err := s.topic(ctx, name)
	if err != nil {
		return err
	}
	parts, err := choosePartitions(name, td.Partitions.Numbers(), f.partitions)
	if err != nil {
		return err
	}
	reads, err := s.settledReads(ctx, name, parts, want, f.follow)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(a.out, 64<<10)
	c := &consumer{app: a, topic: name, reads: reads, left: f.count, follow: f.follow, out: w, emit: emitter(w, format)}
	if a.json {
		c.emit = jsonEmitter(w)
	}
	err = c.run(ctx)
	if ferr := w.Flush(); err == nil {
		err = ferr
	}
	return err
}

func emitter(w *bufio.Writer, format recordFormat) func(*kgo.Record) error {
	var b []byte
	return func(r *kgo.Record) error {
		b = b[:0]
		for _, piece := range format {
			b = piece(b, r)
		}
		_, err := w.Write(b)
		return err
	}
}

// choosePartitions checks the ones asked for against those there are; none asked for means all.
func choosePartitions(topic string, all, asked []int32) ([]int32, error) {
	if len(asked) == 0 {
		return all, nil
	}
	seen := make(map[int32]bool)
	var out []int32
	for _, p := range asked {
		if p < 0 || int(p) >= len(all) {
			return nil, fmt.Errorf("topic %s has no partition %d; it has 0 to %d", topic, p, len(all)-1)
		}
		if !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
	}
	return out, nil
}
