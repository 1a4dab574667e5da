package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"
)

func newTopicCreate(a *app) *cobra.Command {
	var partitions int32
	var replication int16
	var ifNotExists bool
	var configs []string
	cmd := &cobra.Command{
		Use:     "create NAME...",
		Short:   "Create topics",
		Example: "  logctl topic create orders payments -p 12 -r 3 -c retention.ms=3600000",
		Args:    names("topic name", 1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if partitions == 0 || partitions < -1 {
				return usagef("--partitions is %d; give 1 or more, or -1 for the cluster's default", partitions)
			}
			if replication == 0 || replication < -1 {
				return usagef("--replication is %d; give 1 or more, or -1 for the cluster's default", replication)
			}
			set := make(map[string]*string)
			if len(configs) > 0 {
				changes, err := parseChanges(configs, nil)
				if err != nil {
					return err
				}
				for _, c := range changes {
					set[c.Name] = c.Value
				}
			}
			return a.createTopics(cmd.Context(), args, partitions, replication, set, ifNotExists)
		},
	}
	fl := cmd.Flags()
	fl.Int32VarP(&partitions, "partitions", "p", -1, "partitions of each topic; -1 is the cluster's default")
	fl.Int16VarP(&replication, "replication", "r", -1, "replicas of each partition; -1 is the cluster's default")
	fl.StringArrayVarP(&configs, "config", "c", nil, "NAME=VALUE, a setting that differs from the broker's; may be repeated")
	fl.BoolVar(&ifNotExists, "if-not-exists", false, "a topic that is already there is not an error")
	return cmd
}

func (a *app) createTopics(ctx context.Context, topics []string, parts int32, repl int16, configs map[string]*string, ifNotExists bool) error {
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	bctx, cancel := s.bounded(ctx)
	defer cancel()
	resps, err := s.adm.CreateTopics(bctx, parts, repl, configs, topics...)
	if err != nil {
		return s.unclearMutation("create", err)
	}
	var rows []topicStatus
	for _, name := range unique(topics) {
		r, ok := resps[name]
		row := topicStatus{Topic: name, Status: "OK"}
		switch {
		case !ok:
			row.Status, row.Error = "ERROR", "the broker's answer doesn't mention it; see: logctl topic list"
		case errors.Is(r.Err, kerr.TopicAlreadyExists) && ifNotExists:
			row.Status = "EXISTS"
		case r.Err != nil:
			row.Status, row.Error = statusWord(r.Err), codeText(r.Err, r.ErrMessage)
		}
		rows = append(rows, row)
	}
	// A topic is of use once its partitions have elected leaders; that they take long doesn't undo its creation.
	for _, row := range rows {
		if row.Status == "OK" {
			if _, err := s.waitLeaders(bctx, row.Topic); err != nil {
				a.note("created, but: %v", err)
			}
		}
	}
	return a.printStatuses(rows)
}

// unclearMutation words the failure of a request that may have been carried out although no answer came.
func (s *session) unclearMutation(verb string, err error) error {
	e := s.explain(err)
	if dialFailed(err) {
		return e
	}
	return fmt.Errorf("%w; the %s may or may not have happened: look with: logctl topic list", e, verb)
}

// unique drops repeated names and keeps the order.
func unique(in []string) []string {
	seen := make(map[string]bool)
	var out []string
	for _, n := range in {
		if !seen[n] {
			seen[n] = true
			out = append(out, n)
		}
	}
	return out
}
