package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fate is what is known of a line after sending. Only a line that is refused may be sent again (C5).
type fate uint8

const (
	pending fate = iota
	stored       // acknowledged at offset
	sent         // acks=0: written to the connection, nothing more will ever be known
	refused      // provably not appended
	unclear      // may or may not be appended
)

// line is one line of input on its way to a partition.
type line struct {
	number int64
	rec    *kgo.Record
	part   int32
	fate   fate
	offset int64
	why    string
	gaveUp bool // refused until --timeout, so the next line would fare no better
}

// sender sends chunks of lines, one batch per partition and chunk, the next chunk after the last is decided: that keeps
// the order of lines in each partition, and gives all records of a batch the same fate.
type sender struct {
	*session
	topic string
	// confirmed is false with acks=0: nothing answers a request then.
	confirmed bool
	comp      kgo.Compressor

	mu   sync.Mutex
	view kadm.Metadata // the latest; partitions are sent at the same time and share it
}

func (s *sender) current() kadm.Metadata {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view
}

// refresh asks for metadata again; an answer without the topic's partitions changes nothing.
func (s *sender) refresh(ctx context.Context) {
	md, err := s.adm.Metadata(ctx, s.topic)
	if err != nil || len(md.Topics[s.topic].Partitions) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view = md
}

// send returns when every line has a fate other than pending. Refusals that a moved leader explains are retried,
// in order, until --timeout.
func (s *sender) send(ctx context.Context, lines []*line) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	byPart, order := split(lines)
	done := make(chan struct{}, len(order))
	for _, p := range order {
		go func() {
			s.sendPartition(ctx, p, byPart[p])
			done <- struct{}{}
		}()
	}
	for range order {
		<-done
	}
}

func split(lines []*line) (map[int32][]*line, []int32) {
	byPart := make(map[int32][]*line)
	var order []int32
	for _, l := range lines {
		if byPart[l.part] == nil {
			order = append(order, l.part)
		}
		byPart[l.part] = append(byPart[l.part], l)
	}
	return byPart, order
}

func (s *sender) sendPartition(ctx context.Context, part int32, lines []*line) {
	wait := 50 * time.Millisecond
	for {
		again, tooLarge := s.attempt(ctx, part, lines)
		if tooLarge && len(lines) > 1 {
			// Refused as a whole, so each line may go on its own, and only those too large themselves fail.
			for _, l := range lines {
				s.sendPartition(ctx, part, []*line{l})
			}
			return
		}
		if !again {
			return
		}
		if !s.timeFor(ctx, wait) || sleep(ctx, wait) != nil {
			for _, l := range lines {
				l.gaveUp = true
			}
			return
		}
		wait = min(2*wait, 500*time.Millisecond)
		s.refresh(ctx)
	}
}

// timeFor says whether enough of --timeout is left after a wait for an attempt to end by itself: one that the deadline
// cuts off while it still dials would have to be called unclear.
func (s *sender) timeFor(ctx context.Context, wait time.Duration) bool {
	deadline, _ := ctx.Deadline()
	return time.Until(deadline)-wait > s.timeout/4
}

// attempt sends lines once and sets their fate; again says that they were refused and that trying again makes sense.
func (s *sender) attempt(ctx context.Context, part int32, lines []*line) (again, tooLarge bool) {
	md := s.current()
	td := md.Topics[s.topic]
	pd, ok := td.Partitions[part]
	if !ok || leaderless(pd) {
		settle(lines, refused, "partition %d has no leader; see: logctl cluster health", part)
		return true, false
	}
	if !knows(md, pd.Leader) {
		settle(lines, refused, "broker %d leads partition %d, and has no address; see: logctl cluster health", pd.Leader, part)
		return true, false
	}
	resp, err := s.request(ctx, td, pd, lines)
	if err != nil {
		who := fmt.Sprintf("broker %d: %s", pd.Leader, reason(err))
		if dialFailed(err) || errors.Is(err, errHungUp) {
			settle(lines, refused, "%s; see: logctl cluster health", who)
			return true, false
		}
		settle(lines, unclear, "%s after sending; it may or may not be stored: look before sending it again", who)
		return false, false
	}
	if !s.confirmed {
		settle(lines, sent, "")
		return false, false
	}
	rp, ok := answerFor(resp, part)
	if !ok {
		settle(lines, unclear, "broker %d's answer doesn't mention partition %d; it may or may not be stored", pd.Leader, part)
		return false, false
	}
	e := kerr.ErrorForCode(rp.ErrorCode)
	if e == nil {
		for i, l := range lines {
			l.fate, l.offset, l.why = stored, rp.BaseOffset+int64(i), ""
		}
		return false, false
	}
	return s.judge(e, pd.Leader, rp, lines)
}

// judge sets the fate of lines that a broker answered with an error.
func (s *sender) judge(e error, broker int32, rp *kmsg.ProduceResponseTopicPartition, lines []*line) (again, tooLarge bool) {
	said := ""
	if rp.ErrorMessage != nil {
		said = *rp.ErrorMessage
	}
	text := fmt.Sprintf("broker %d: %s", broker, codeText(e, said))
	if !provesRefusal(e) {
		settle(lines, unclear, "%s", text)
		return false, false
	}
	settle(lines, refused, "%s", text)
	for _, er := range rp.ErrorRecords {
		if i := int(er.RelativeOffset); i >= 0 && i < len(lines) && er.ErrorMessage != nil {
			lines[i].why = text + ": " + *er.ErrorMessage
		}
	}
	tooLarge = errors.Is(e, kerr.MessageTooLarge) || errors.Is(e, kerr.RecordListTooLarge)
	return kerr.IsRetriable(e) && !errors.Is(e, kerr.CorruptMessage), tooLarge
}

// provesRefusal says that a code means nothing was appended. The others mean appended, or perhaps. (logd promises this
// for NOT_LEADER_OR_FOLLOWER too, which other brokers also answer after an append.)
func provesRefusal(e error) bool {
	for _, perhaps := range []*kerr.Error{kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend, kerr.UnknownServerError,
		kerr.NetworkException, kerr.KafkaStorageError} {
		if errors.Is(e, perhaps) {
			return false
		}
	}
	return true
}

func knows(md kadm.Metadata, broker int32) bool {
	for _, b := range md.Brokers {
		if b.NodeID == broker {
			return true
		}
	}
	return false
}

func settle(lines []*line, f fate, format string, args ...any) {
	why := fmt.Sprintf(format, args...)
	for _, l := range lines {
		l.fate, l.why = f, why
	}
}

func (s *sender) request(ctx context.Context, td kadm.TopicDetail, pd kadm.PartitionDetail, lines []*line) (*kmsg.ProduceResponse, error) {
	rp := kmsg.NewProduceRequestTopicPartition()
	rp.Partition = pd.Partition
	rp.Records = encodeBatch(lines, s.comp)
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic, rt.TopicID = td.Topic, td.ID
	rt.Partitions = append(rt.Partitions, rp)
	req := kmsg.NewPtrProduceRequest()
	req.TimeoutMillis = int32(s.timeout.Milliseconds())
	req.Topics = append(req.Topics, rt)
	resp, err := s.Broker(int(pd.Leader)).Request(ctx, req)
	if err != nil {
		return nil, err
	}
	return resp.(*kmsg.ProduceResponse), nil
}

func answerFor(resp *kmsg.ProduceResponse, part int32) (*kmsg.ProduceResponseTopicPartition, bool) {
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			if p := &resp.Topics[i].Partitions[j]; p.Partition == part {
				return p, true
			}
		}
	}
	return nil, false
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
