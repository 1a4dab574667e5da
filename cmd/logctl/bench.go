package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

func newBench(a *app) *cobra.Command {
	cmd := noun(&cobra.Command{
		Use:   "bench",
		Short: "Measure a cluster, or the bare disks below it",
		Long:  "Measure a cluster, or the bare disks below it. MB are 10^6 bytes and GB 10^9, of record values.",
	})
	cmd.AddCommand(newBenchProduce(a), newBenchConsume(a), newBenchDisk(a), newDiskWorker(a))
	return cmd
}

// freshTopic names a topic nobody has used.
func freshTopic(now time.Time) string {
	var b [3]byte
	rand.Read(b[:])
	return fmt.Sprintf("bench-%s-%x", now.UTC().Format("20060102-150405"), b)
}

// benchTopic makes sure the topic is there and every partition has a leader.
func (s *session) benchTopic(ctx context.Context, name string, parts int32, repl int16) (kadm.TopicDetail, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	resps, err := s.adm.CreateTopics(ctx, parts, repl, nil, name)
	if err != nil {
		return kadm.TopicDetail{}, s.unclearMutation("create", err)
	}
	if r := resps[name]; r.Err != nil && !errors.Is(r.Err, kerr.TopicAlreadyExists) {
		return kadm.TopicDetail{}, fmt.Errorf("topic %s: %s", name, codeText(r.Err, r.ErrMessage))
	}
	return s.waitLeaders(ctx, name)
}
