package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"logd/broker"
	"logd/transport"
)

// ask is the private API of the peer port (docs/peer-api.md), of the broker's only shard.
func (n *node) ask(req broker.ToolRequest) (broker.ToolReport, error) {
	var r broker.ToolReport
	nc, err := net.DialTimeout("tcp", n.peer, time.Second)
	if err != nil {
		return r, err
	}
	defer nc.Close() // one question per connection
	nc.SetDeadline(time.Now().Add(5 * time.Second))
	body, err := json.Marshal(req)
	if err != nil {
		return r, err
	}
	h := transport.Header{From: broker.ToolID}
	bufs := transport.AppendEnvelope(nil, h, nil)
	bufs = transport.AppendEnvelope(bufs, h, []transport.Msg{{Kind: broker.KindTool, Bufs: [][]byte{body}}})
	if _, err := nc.Write(flat(bufs)); err != nil {
		return r, err
	}
	frames := transport.NewFrames(1 << 20)
	buf := make([]byte, 4096)
	for {
		k, err := nc.Read(buf)
		frames.Feed(buf[:k])
		if frame, ok, ferr := frames.Next(); ok {
			_, msgs, err := transport.ParseEnvelope(frame)
			if err != nil || len(msgs) != 1 {
				return r, fmt.Errorf("%d messages: %w", len(msgs), err)
			}
			return r, json.Unmarshal(msgs[0].Body, &r)
		} else if err != nil || ferr != nil {
			return r, errors.Join(err, ferr)
		}
	}
}

// awaitInSync waits until a broker's replicas are whole, vote, and have on disk all that was committed anywhere when it began to wait.
func (c *cluster) awaitInSync(t testing.TB, n *node) {
	t.Helper()
	commits := map[uint64]uint64{}
	for _, other := range c.nodes {
		await(t, fmt.Sprintf("word from broker %d", other.id), func() (bool, string) {
			r, err := other.ask(broker.ToolRequest{Replicas: true})
			for _, p := range r.Replicas {
				commits[p.Group] = max(commits[p.Group], p.Commit)
			}
			return err == nil, fmt.Sprint(err)
		})
	}
	await(t, fmt.Sprintf("broker %d in sync", n.id), func() (bool, string) {
		r, err := n.ask(broker.ToolRequest{Replicas: true})
		if err != nil || len(r.Damaged) > 0 {
			return false, fmt.Sprintf("%v, damaged %+v", err, r.Damaged)
		}
		for group, commit := range commits {
			i := slices.IndexFunc(r.Replicas, func(p broker.ToolReplica) bool { return p.Group == group })
			if i < 0 {
				return false, fmt.Sprintf("no replica of group %d", group)
			}
			if p := r.Replicas[i]; !p.Voter || p.Applied < commit || p.Durable < commit {
				return false, fmt.Sprintf("committed %d, but %+v", commit, p)
			}
		}
		return true, ""
	})
}

// groupsOf are the raft groups of a topic's partitions.
func (n *node) groupsOf(t testing.TB, topic string, partitions int32) []uint64 {
	t.Helper()
	r, err := n.ask(broker.ToolRequest{Replicas: true})
	if err != nil {
		t.Fatal(err)
	}
	groups := make([]uint64, partitions)
	for p := range groups {
		i := slices.IndexFunc(r.Replicas, func(is broker.ToolReplica) bool { return is.Partition == fmt.Sprintf("%s/%d", topic, p) })
		if i < 0 {
			t.Fatalf("broker %d has no replica of %s/%d", n.id, topic, p)
		}
		groups[p] = r.Replicas[i].Group
	}
	return groups
}
