package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ListOffsets' special timestamps (Kafka protocol, ListOffsetsRequest).
const (
	atEarliest int64 = -2
	atLatest   int64 = -1
)

// offsetAt is the answer for one partition.
type offsetAt struct {
	offset int64
	err    error
}

// errMoving is wrapped by the error of a partition whose leader can't be reached, or is none any more: another one may be soon.
var errMoving = errors.New("its leader is not there")

// movingError is an errMoving in the words of another error.
type movingError struct{ error }

func (movingError) Is(target error) bool { return target == errMoving }

var errLeaderless = errors.New("no leader; see: logctl cluster health")

// leaderless says that metadata names no leader, whichever of the protocol's two ways it uses.
func leaderless(p kadm.PartitionDetail) bool {
	return p.Leader < 0 || errors.Is(p.Err, kerr.LeaderNotAvailable)
}

// listOffsets asks each partition's leader for the offset at a timestamp (ms since 1970) or a special one. A partition
// that could not be asked has an error; one without a leader isn't waited for.
func (s *session) listOffsets(ctx context.Context, td kadm.TopicDetail, parts []int32, at int64) map[int32]offsetAt {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	got := make(map[int32]offsetAt)
	req := kmsg.NewPtrListOffsetsRequest()
	rt := kmsg.NewListOffsetsRequestTopic()
	rt.Topic = td.Topic
	for _, p := range parts {
		if leaderless(td.Partitions[p]) {
			got[p] = offsetAt{err: errLeaderless}
			continue
		}
		rp := kmsg.NewListOffsetsRequestTopicPartition()
		rp.Partition, rp.Timestamp, rp.CurrentLeaderEpoch = p, at, -1
		rt.Partitions = append(rt.Partitions, rp)
	}
	if len(rt.Partitions) == 0 {
		return got
	}
	req.Topics = append(req.Topics, rt)
	req.TimeoutMillis = int32(s.timeout.Milliseconds())
	for _, shard := range s.RequestSharded(ctx, req) {
		if shard.Err != nil {
			for _, t := range shard.Req.(*kmsg.ListOffsetsRequest).Topics {
				for _, p := range t.Partitions {
					got[p.Partition] = offsetAt{err: movingError{s.explain(shard.Err)}}
				}
			}
			continue
		}
		for _, t := range shard.Resp.(*kmsg.ListOffsetsResponse).Topics {
			for _, p := range t.Partitions {
				o := offsetAt{offset: p.Offset}
				if e := kerr.ErrorForCode(p.ErrorCode); e != nil {
					o.err = fmt.Errorf("broker %d at %s:%d: %s", shard.Meta.NodeID, shard.Meta.Host, shard.Meta.Port, codeText(e, ""))
					if kerr.IsRetriable(e) {
						o.err = movingError{o.err}
					}
				}
				got[p.Partition] = o
			}
		}
	}
	for _, p := range parts {
		if _, ok := got[p]; !ok {
			got[p] = offsetAt{err: errors.New("the broker's answer doesn't mention it")}
		}
	}
	return got
}
