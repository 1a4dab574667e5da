package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// read is what is to be read of one partition: offsets in [from, to); to is -1 with --follow.
// Invariant: next, the lowest offset not yet seen, only grows.
type read struct {
	from, to int64
	next     int64
	// skipBelow hides records below an offset that was asked for but is not written yet (--follow from the future).
	skipBelow int64
}

func (r *read) done() bool { return r.to >= 0 && r.next >= r.to }

// settledReads plans, and plans again while a leader that has just died or moved is being replaced, for at most --timeout.
func (s *session) settledReads(ctx context.Context, topic string, parts []int32, want span, follow bool) (map[int32]*read, error) {
	for begun := time.Now(); ; {
		td, err := s.waitLeaders(ctx, topic, parts...)
		if err != nil {
			return nil, err
		}
		reads, err := s.planReads(ctx, td, parts, want, follow)
		if !errors.Is(err, errMoving) || time.Since(begun) > s.timeout || sleep(ctx, 250*time.Millisecond) != nil {
			return reads, err
		}
	}
}

// planReads resolves what --offset asks for against both ends of each partition.
func (s *session) planReads(ctx context.Context, td kadm.TopicDetail, parts []int32, want span, follow bool) (map[int32]*read, error) {
	starts := s.listOffsets(ctx, td, parts, atEarliest)
	ends := s.listOffsets(ctx, td, parts, atLatest)
	fromTime, toTime := map[int32]offsetAt{}, map[int32]offsetAt{}
	if want.from.kind == placeTime {
		fromTime = s.listOffsets(ctx, td, parts, want.from.n)
	}
	if want.to != nil && want.to.kind == placeTime {
		toTime = s.listOffsets(ctx, td, parts, want.to.n)
	}
	reads := make(map[int32]*read)
	for _, p := range parts {
		for _, o := range []offsetAt{starts[p], ends[p], fromTime[p], toTime[p]} {
			if o.err != nil {
				return nil, fmt.Errorf("topic %s partition %d: %w", td.Topic, p, o.err)
			}
		}
		start, end := starts[p].offset, ends[p].offset
		asked := want.from.at(start, end, fromTime[p].offset)
		r := &read{from: min(max(asked, start), end), to: end, skipBelow: asked}
		switch {
		case follow:
			r.to = -1
		case want.to != nil:
			r.to = min(end, want.to.at(start, end, toTime[p].offset))
		}
		r.next = r.from
		reads[p] = r
	}
	return reads, nil
}
