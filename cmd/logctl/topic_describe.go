package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"
)

type topicInfo struct {
	Name            string          `json:"name"`
	ID              string          `json:"id"`
	Internal        bool            `json:"internal"`
	Replicas        int             `json:"replicas"`
	Leaderless      int             `json:"leaderless"`
	UnderReplicated int             `json:"under_replicated"`
	Configs         []configInfo    `json:"configs"` // null if they could not be learned
	Partitions      []partitionInfo `json:"partitions"`
}

// configInfo is one setting. Value is null where the broker keeps it to itself.
type configInfo struct {
	Key    string  `json:"key"`
	Value  *string `json:"value"`
	Source string  `json:"source"`
}

// partitionInfo's offsets are null where they could not be learned; Error says why.
type partitionInfo struct {
	Partition     int32   `json:"partition"`
	Leader        int32   `json:"leader"`
	Epoch         int32   `json:"epoch"`
	Replicas      []int32 `json:"replicas"`
	ISR           []int32 `json:"isr"`
	LogStart      *int64  `json:"log_start"`
	HighWatermark *int64  `json:"high_watermark"`
	Error         string  `json:"error,omitempty"`
}

func newTopicDescribe(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "describe NAME",
		Short: "Show a topic's settings, partitions, leaders, replicas and offsets",
		Args:  names("topic name", 1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.describeTopic(cmd.Context(), args[0])
		},
	}
}

func (a *app) describeTopic(ctx context.Context, name string) error {
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	td, err := s.topic(ctx, name)
	if err != nil {
		return err
	}
	for _, p := range td.Partitions {
		if leaderless(p) {
			td = s.secondLook(ctx, td)
			break
		}
	}
	info := s.topicInfo(ctx, td)
	var unknown error
	info.Configs, unknown = s.topicConfigs(ctx, name)
	if a.json {
		err = a.printJSON(info)
	} else {
		info.print(a)
	}
	bad := unknown != nil
	if bad {
		a.note("settings: %v", unknown)
	}
	for _, p := range info.Partitions {
		if p.Error != "" {
			bad = true
			a.note("partition %d: %s", p.Partition, p.Error)
		}
	}
	if err == nil && bad {
		return failed()
	}
	return err
}

// secondLook gives an election, or a broker that has just started and knows of no leader yet, a moment before a missing
// leader is reported.
func (s *session) secondLook(ctx context.Context, td kadm.TopicDetail) kadm.TopicDetail {
	ctx, cancel := context.WithTimeout(ctx, min(time.Second, s.timeout/2))
	defer cancel()
	if fresh, _ := s.waitLeaders(ctx, td.Topic); len(fresh.Partitions) == len(td.Partitions) {
		return fresh
	}
	return td
}

// topicInfo joins the metadata with both ends of every partition.
func (s *session) topicInfo(ctx context.Context, td kadm.TopicDetail) topicInfo {
	info := topicInfo{Name: td.Topic, ID: base64.RawURLEncoding.EncodeToString(td.ID[:]), Internal: td.IsInternal}
	parts := td.Partitions.Numbers()
	starts := s.listOffsets(ctx, td, parts, atEarliest)
	ends := s.listOffsets(ctx, td, parts, atLatest)
	for _, p := range parts {
		pd := td.Partitions[p]
		leader := pd.Leader
		if leaderless(pd) {
			leader = -1
		}
		pi := partitionInfo{Partition: p, Leader: leader, Epoch: pd.LeaderEpoch,
			Replicas: orEmpty(pd.Replicas), ISR: orEmpty(pd.ISR)}
		info.Replicas = max(info.Replicas, len(pd.Replicas))
		if leaderless(pd) {
			info.Leaderless++
		}
		if len(pd.ISR) < len(pd.Replicas) {
			info.UnderReplicated++
		}
		if st := starts[p]; st.err == nil {
			pi.LogStart = &st.offset
		} else {
			pi.Error = st.err.Error()
		}
		if en := ends[p]; en.err == nil {
			pi.HighWatermark = &en.offset
		} else {
			pi.Error = en.err.Error()
		}
		info.Partitions = append(info.Partitions, pi)
	}
	return info
}

// topicConfigs asks for a topic's settings, sorted by key.
func (s *session) topicConfigs(ctx context.Context, name string) ([]configInfo, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	resps, err := s.adm.DescribeTopicConfigs(ctx, name)
	if err != nil {
		return nil, s.explain(err)
	}
	r, err := resps.On(name, nil)
	switch {
	case err != nil:
		return nil, errors.New("the broker's answer doesn't mention them")
	case r.Err != nil:
		return nil, errors.New(codeText(r.Err, r.ErrMessage))
	}
	out := []configInfo{}
	for _, c := range r.Configs {
		out = append(out, configInfo{c.Key, c.Value, sourceWord(c.Source)})
	}
	slices.SortFunc(out, func(a, b configInfo) int { return strings.Compare(a.Key, b.Key) })
	return out, nil
}

// sourceWord says where a setting is from.
func sourceWord(s kmsg.ConfigSource) string {
	switch s {
	case kmsg.ConfigSourceDynamicTopicConfig:
		return "topic"
	case kmsg.ConfigSourceDynamicBrokerConfig, kmsg.ConfigSourceDynamicDefaultBrokerConfig, kmsg.ConfigSourceStaticBrokerConfig:
		return "broker"
	case kmsg.ConfigSourceDefaultConfig:
		return "default"
	}
	return "other"
}

func (i topicInfo) print(a *app) {
	sum := newTable()
	sum.add("NAME", i.Name)
	sum.add("ID", i.ID)
	sum.add("INTERNAL", yesNo(i.Internal))
	sum.add("PARTITIONS", len(i.Partitions))
	sum.add("REPLICAS", i.Replicas)
	sum.add("LEADERLESS", i.Leaderless)
	sum.add("UNDER-REPLICATED", i.UnderReplicated)
	sum.print(a.out)
	fmt.Fprintln(a.out)
	if len(i.Configs) > 0 {
		t := newTable("KEY", "VALUE", "SOURCE")
		for _, c := range i.Configs {
			value := "-"
			if c.Value != nil {
				value = *c.Value
			}
			t.add(c.Key, value, c.Source)
		}
		t.print(a.out)
		fmt.Fprintln(a.out)
	}
	t := newTable("PARTITION", "LEADER", "EPOCH", "REPLICAS", "ISR", "LOG-START", "HIGH-WATERMARK")
	for _, p := range i.Partitions {
		leader := fmt.Sprint(p.Leader)
		if p.Leader < 0 {
			leader = "none"
		}
		t.add(p.Partition, leader, p.Epoch, ids(p.Replicas), ids(p.ISR), orDash(p.LogStart), orDash(p.HighWatermark))
	}
	t.print(a.out)
}

func orDash(v *int64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprint(*v)
}

func orEmpty(v []int32) []int32 {
	if v == nil {
		return []int32{}
	}
	return v
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
