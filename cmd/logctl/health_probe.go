package main

import (
	"context"
	"fmt"
	"sort"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// brokerView is what one broker, asked alone, answered.
type brokerView struct {
	id   int32
	addr string
	md   *kmsg.MetadataResponse
	why  string // why there is no answer
}

func (v brokerView) name() string {
	if v.addr == "" {
		return fmt.Sprintf("broker %d", v.id)
	}
	return fmt.Sprintf("broker %d at %s", v.id, v.addr)
}

// askAll asks every seed, then every broker that any answer names, each over its own connection. Brokers a cluster no
// longer mentions but whose replicas it counts come back without an address.
func (a *app) askAll(ctx context.Context) ([]brokerView, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	// A seed that hangs may take a third of the time, so that the rest is left for the others.
	first, cancelFirst := context.WithTimeout(ctx, a.timeout/3)
	defer cancelFirst()
	cl, err := kgo.NewClient(a.clientOptions(newTrouble())...)
	if err != nil {
		return nil, usagef("%v", err)
	}
	defer cl.Close()
	seeds := ask(first, cl.SeedBrokers(), a.brokers)
	known := make(map[int32]string)
	held := make(map[int32]bool)
	var why []string
	for _, v := range seeds {
		why = append(why, v.why)
		collect(v.md, known, held)
	}
	if len(known) == 0 {
		return nil, noBroker(a.brokers, why)
	}
	views := a.askKnown(ctx, known)
	for _, v := range views {
		collect(v.md, known, held)
	}
	seen := make(map[int32]bool)
	for _, v := range views {
		seen[v.id] = true
	}
	for _, id := range sortedIDs(held) {
		if !seen[id] {
			views = append(views, brokerView{id: id, why: "no broker knows its address"})
		}
	}
	sort.Slice(views, func(i, j int) bool { return views[i].id < views[j].id })
	return views, nil
}

// askKnown connects to each advertised address, which is what clients must be able to do.
func (a *app) askKnown(ctx context.Context, known map[int32]string) []brokerView {
	order := make(map[int32]bool)
	for id := range known {
		order[id] = true
	}
	list := sortedIDs(order)
	out := make([]brokerView, len(list))
	done := make(chan struct{}, len(list))
	for i, id := range list {
		go func() {
			defer func() { done <- struct{}{} }()
			one := *a
			one.brokers = []string{known[id]}
			cl, err := kgo.NewClient(one.clientOptions(newTrouble())...)
			if err != nil {
				out[i] = brokerView{addr: known[id], why: err.Error()}
			} else {
				out[i] = ask(ctx, cl.SeedBrokers(), one.brokers)[0]
				cl.Close()
			}
			out[i].id = id
		}()
	}
	for range list {
		<-done
	}
	return out
}

func ask(ctx context.Context, brokers []*kgo.Broker, addrs []string) []brokerView {
	out := make([]brokerView, len(brokers))
	done := make(chan struct{}, len(brokers))
	for i, b := range brokers {
		go func() {
			defer func() { done <- struct{}{} }()
			out[i] = brokerView{id: -1, addr: addrs[i]}
			resp, err := b.Request(ctx, kmsg.NewPtrMetadataRequest())
			if err != nil {
				out[i].why = reason(err)
				return
			}
			out[i].md = resp.(*kmsg.MetadataResponse)
		}()
	}
	for range brokers {
		<-done
	}
	return out
}

func collect(md *kmsg.MetadataResponse, known map[int32]string, held map[int32]bool) {
	if md == nil {
		return
	}
	for _, b := range md.Brokers {
		known[b.NodeID] = fmt.Sprintf("%s:%d", b.Host, b.Port)
	}
	for _, t := range md.Topics {
		for _, p := range t.Partitions {
			for _, r := range p.Replicas {
				held[r] = true
			}
		}
	}
}

func sortedIDs(set map[int32]bool) []int32 {
	out := make([]int32, 0, len(set))
	for id := range set {
		out = append(out, id)
	}
	sort.Slice(out, func(i, j int) bool { return out[i] < out[j] })
	return out
}

// newest joins all brokers' views of the partitions: the one with the highest leader epoch counts, and among equals one
// that names a leader, because each broker learns of elections in its own time.
func newest(views []brokerView) map[string]kadm.PartitionDetail {
	best := make(map[string]kadm.PartitionDetail)
	for _, v := range views {
		if v.md == nil {
			continue
		}
		for _, t := range v.md.Topics {
			if t.Topic == nil {
				continue
			}
			for _, p := range t.Partitions {
				name := fmt.Sprintf("%s/%d", *t.Topic, p.Partition)
				pd := kadm.PartitionDetail{Topic: *t.Topic, Partition: p.Partition, Leader: p.Leader,
					LeaderEpoch: p.LeaderEpoch, Replicas: p.Replicas, ISR: p.ISR, Err: codeError(p.ErrorCode)}
				old, ok := best[name]
				if !ok || pd.LeaderEpoch > old.LeaderEpoch ||
					pd.LeaderEpoch == old.LeaderEpoch && leaderless(old) && !leaderless(pd) {
					best[name] = pd
				}
			}
		}
	}
	return best
}
