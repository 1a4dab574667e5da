package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// session is one kgo client, with what it learned about brokers that don't answer.
type session struct {
	*kgo.Client
	adm     *kadm.Client
	trouble *trouble
	timeout time.Duration
}

// connect makes a client after at least one of --brokers answered. It returns within --timeout, with one line that
// names every address and why it failed (C3, C4).
func (a *app) connect(ctx context.Context, extra ...kgo.Opt) (*session, error) {
	tr := newTrouble()
	cl, err := kgo.NewClient(append(a.clientOptions(tr), extra...)...)
	if err != nil {
		return nil, usagef("%v", err)
	}
	if err := a.anySeed(ctx, cl); err != nil {
		cl.Close()
		return nil, err
	}
	adm := kadm.NewClient(cl)
	adm.SetTimeoutMillis(int32(a.timeout.Milliseconds()))
	return &session{Client: cl, adm: adm, trouble: tr, timeout: a.timeout}, nil
}

func (a *app) clientOptions(tr *trouble) []kgo.Opt {
	return []kgo.Opt{
		kgo.ClientID("logctl"),
		kgo.SoftwareNameAndVersion("logctl", "1"),
		kgo.SeedBrokers(a.brokers...),
		kgo.DialTimeout(a.dialTimeout()),
		kgo.RetryTimeout(a.timeout),
		kgo.RetryBackoffFn(func(tries int) time.Duration {
			return min(time.Second, 50*time.Millisecond<<min(tries, 5))
		}),
		// A moved leader is found in a quarter of a second, not in kgo's default of seconds.
		kgo.MetadataMinAge(250 * time.Millisecond),
		kgo.DisableIdempotentWrite(),
		kgo.DisableClientMetrics(),
		kgo.WithHooks(tr),
	}
}

// dialTimeout is short beside --timeout, so that an address that swallows packets is told from a broker that doesn't
// answer.
func (a *app) dialTimeout() time.Duration { return a.timeout / 5 }

// anySeed asks all seeds at once and returns nil at the first answer.
func (a *app) anySeed(ctx context.Context, cl *kgo.Client) error {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	seeds := cl.SeedBrokers()
	type answer struct {
		i   int
		err error
	}
	answers := make(chan answer, len(seeds))
	for i, b := range seeds {
		go func() {
			_, err := b.Request(ctx, brokersOnly())
			answers <- answer{i, err}
		}()
	}
	why := make([]string, len(seeds))
	for range seeds {
		got := <-answers
		if got.err == nil {
			return nil
		}
		why[got.i] = reason(got.err)
	}
	return noBroker(a.brokers, why)
}

// brokersOnly is a Metadata request for no topics.
func brokersOnly() *kmsg.MetadataRequest {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	return req
}

// errNoBroker is wrapped by the error of a command that found nobody to talk to.
var errNoBroker = errors.New("no broker reachable")

func noBroker(addrs, why []string) error {
	if len(addrs) == 1 {
		return fmt.Errorf("%w at %s: %s; start one with: go run ./cmd/logd dev", errNoBroker, addrs[0], notAPeerPort(why[0]))
	}
	each := make([]string, len(addrs))
	for i := range addrs {
		each[i] = addrs[i] + " (" + notAPeerPort(why[i]) + ")"
	}
	return fmt.Errorf("%w at %s; start one with: go run ./cmd/logd dev", errNoBroker, strings.Join(each, ", "))
}

// notAPeerPort says more of what answers and hangs up: so does a broker's port for its peers.
func notAPeerPort(why string) string {
	if why == "connection closed" || why == "connection reset" {
		return why + "; is it the address of logd serve --kafka?"
	}
	return why
}

// bounded gives a request its deadline (C4).
func (s *session) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.timeout)
}

// explain turns a request's error into a line that names the brokers that can't be talked to (C3).
func (s *session) explain(err error) error {
	if err == nil {
		return nil
	}
	if down := s.trouble.lines(); len(down) > 0 {
		return fmt.Errorf("%s; %s; see: logctl cluster health", s.outline(err), strings.Join(down, ", "))
	}
	return fmt.Errorf("%s", s.outline(err))
}

func (s *session) outline(err error) string {
	if errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
		return fmt.Sprintf("no answer within %v", s.timeout)
	}
	return codeText(err, "")
}

// errNoTopic is wrapped by the error about a topic that isn't there.
var errNoTopic = errors.New("does not exist")

// topic returns one topic's metadata, or an error that says how to create it.
func (s *session) topic(ctx context.Context, name string) (kadm.TopicDetail, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	md, err := s.adm.Metadata(ctx, name)
	if err != nil {
		return kadm.TopicDetail{}, fmt.Errorf("topic %s: %w", name, s.explain(err))
	}
	td, ok := md.Topics[name]
	switch {
	case !ok || unknownTopic(td.Err):
		return td, fmt.Errorf("topic %s %w; create it with: logctl topic create %s", name, errNoTopic, name)
	case td.Err != nil && len(td.Partitions) == 0:
		return td, fmt.Errorf("topic %s: %s", name, codeText(td.Err, ""))
	case len(td.Partitions) == 0:
		return td, fmt.Errorf("topic %s has no partitions yet; try again", name)
	}
	return td, nil
}

// topicToProduce is topic for a producer: a cluster that creates topics on first use, as logd dev does, may do so.
func (s *session) topicToProduce(ctx context.Context, name string) (td kadm.TopicDetail, created bool, err error) {
	td, err = s.topic(ctx, name)
	if !errors.Is(err, errNoTopic) {
		return td, false, err
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = true
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = &name
	req.Topics = append(req.Topics, rt)
	resp, merr := req.RequestWith(ctx, s.Client)
	if merr != nil {
		return td, false, fmt.Errorf("topic %s: %w", name, s.explain(merr))
	}
	if len(resp.Topics) != 1 || unknownTopic(codeError(resp.Topics[0].ErrorCode)) {
		return td, false, err
	}
	td, err = s.waitLeaders(ctx, name)
	return td, true, err
}

// waitLeaders polls metadata until every partition of a topic, or every one of parts, has a leader.
func (s *session) waitLeaders(ctx context.Context, name string, parts ...int32) (kadm.TopicDetail, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	for {
		md, err := s.adm.Metadata(ctx, name)
		if err != nil {
			return kadm.TopicDetail{}, fmt.Errorf("topic %s: %w", name, s.explain(err))
		}
		td := md.Topics[name]
		want := parts
		if len(want) == 0 {
			want = td.Partitions.Numbers()
		}
		led := 0
		for _, p := range want {
			if pd, ok := td.Partitions[p]; ok && !leaderless(pd) {
				led++
			}
		}
		if led > 0 && led == len(want) {
			return td, nil
		}
		if sleep(ctx, 100*time.Millisecond) != nil {
			return td, fmt.Errorf("topic %s: %d of %s have a leader after %v; see: logctl cluster health",
				name, led, plural(int64(len(want)), "partition"), s.timeout)
		}
	}
}
