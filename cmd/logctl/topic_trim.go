package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// trimStatus is the result for one partition; log_start is null where it was not trimmed.
type trimStatus struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	LogStart  *int64 `json:"log_start"`
	Status    string `json:"status"`
	Error     string `json:"error,omitempty"`
}

func newTopicTrim(a *app) *cobra.Command {
	var parts []int32
	var before string
	cmd := &cobra.Command{
		Use:   "trim NAME --partition P --before OFFSET",
		Short: "Delete a partition's records before an offset, for ever",
		Example: `  logctl topic trim orders --partition 0 --before 1000
  logctl topic trim orders --partition 0,1 --before end   # all records that are there now`,
		Args: names("topic name", 1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			at, err := parseBefore(before)
			if err != nil {
				return err
			}
			if len(parts) == 0 {
				return usagef("--partition is missing; say which partition to trim")
			}
			return a.trimTopic(cmd.Context(), args[0], parts, at)
		},
	}
	fl := cmd.Flags()
	fl.Int32SliceVarP(&parts, "partition", "p", nil, "partitions to trim")
	fl.StringVar(&before, "before", "", "the first offset that stays, or end: nothing of what is there now")
	return cmd
}

// parseBefore reads --before; -1 is the protocol's word for the high watermark.
func parseBefore(s string) (int64, error) {
	if s == "end" {
		return -1, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, usagef("--before %q is not understood; give the first offset that stays, or end", s)
	}
	return n, nil
}

func (a *app) trimTopic(ctx context.Context, name string, parts []int32, at int64) error {
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	td, err := s.topic(ctx, name)
	if err != nil {
		return err
	}
	offsets := make(kadm.Offsets)
	slices.Sort(parts)
	parts = slices.Compact(parts)
	for _, p := range parts {
		if _, ok := td.Partitions[p]; !ok {
			return fmt.Errorf("topic %s has no partition %d, it has %s", name, p, plural(int64(len(td.Partitions)), "partition"))
		}
		offsets.AddOffset(name, p, at, -1)
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	resps, err := s.adm.DeleteRecords(ctx, offsets)
	if err != nil && len(resps) == 0 {
		if e := s.explain(err); dialFailed(err) {
			return e
		}
		return fmt.Errorf("%w; it may or may not have happened: look with: logctl topic describe %s", s.explain(err), name)
	}
	var rows []trimStatus
	for _, p := range parts {
		row := trimStatus{Topic: name, Partition: p, Status: "OK"}
		r, ok := resps.Lookup(name, p)
		switch {
		case !ok && err != nil:
			row.Status, row.Error = "ERROR", s.explain(err).Error()
		case !ok:
			row.Status, row.Error = "ERROR", "the broker's answer doesn't mention it; see: logctl topic describe "+name
		case r.Err != nil:
			row.Status, row.Error = statusWord(r.Err), codeText(r.Err, s.outside(ctx, td, p, at, r.Err))
		default:
			row.LogStart = &r.LowWatermark
		}
		rows = append(rows, row)
	}
	return a.printTrims(rows)
}

// outside says which offsets there are, where --before is none of them; empty for another error, or where that can't be asked.
func (s *session) outside(ctx context.Context, td kadm.TopicDetail, p int32, at int64, err error) string {
	if !errors.Is(err, kerr.OffsetOutOfRange) {
		return ""
	}
	start, end := s.listOffsets(ctx, td, []int32{p}, atEarliest)[p], s.listOffsets(ctx, td, []int32{p}, atLatest)[p]
	if start.err != nil || end.err != nil {
		return ""
	}
	return fmt.Sprintf("--before is %d, the log is %d to %d", at, start.offset, end.offset)
}

func (a *app) printTrims(rows []trimStatus) error {
	bad := false
	t := newTable("TOPIC", "PARTITION", "LOG-START", "STATUS")
	for _, r := range rows {
		t.add(r.Topic, r.Partition, orDash(r.LogStart), r.Status)
	}
	if !a.json {
		t.print(a.out)
	} else if err := a.printJSON(rows); err != nil {
		return err
	}
	for _, r := range rows {
		if r.Error != "" {
			bad = true
			a.note("topic %s, partition %d: %s", r.Topic, r.Partition, r.Error)
		}
	}
	if bad {
		return failed()
	}
	return nil
}
