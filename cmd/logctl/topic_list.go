package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

type topicRow struct {
	Name       string `json:"name"`
	Partitions int    `json:"partitions"`
	Replicas   int    `json:"replicas"`
	Leaderless int    `json:"leaderless"`
	Internal   bool   `json:"internal"`
	Error      string `json:"error,omitempty"`
}

func newTopicList(a *app) *cobra.Command {
	var internal bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List topics",
		Args:  none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.listTopics(cmd.Context(), internal)
		},
	}
	cmd.Flags().BoolVarP(&internal, "internal", "i", false, "include internal topics")
	return cmd
}

func (a *app) listTopics(ctx context.Context, internal bool) error {
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	md, err := s.adm.Metadata(ctx)
	if err != nil {
		return s.explain(err)
	}
	rows := []topicRow{}
	for _, td := range md.Topics.Sorted() {
		if td.IsInternal && !internal {
			continue
		}
		row := topicRow{Name: td.Topic, Partitions: len(td.Partitions), Internal: td.IsInternal}
		for _, p := range td.Partitions {
			row.Replicas = max(row.Replicas, len(p.Replicas))
			if leaderless(p) {
				row.Leaderless++
			}
		}
		if td.Err != nil {
			row.Error = codeText(td.Err, "")
		}
		rows = append(rows, row)
	}
	if a.json {
		return a.printJSON(rows)
	}
	t := newTable("NAME", "PARTITIONS", "REPLICAS")
	for _, r := range rows {
		name := r.Name
		if r.Internal {
			name += "*"
		}
		t.add(name, r.Partitions, r.Replicas)
	}
	t.print(a.out)
	for _, r := range rows {
		if r.Error != "" {
			a.note("topic %s: %s", r.Name, r.Error)
		} else if r.Leaderless > 0 {
			a.note("topic %s: %s without a leader; see: logctl topic describe %s",
				r.Name, plural(int64(r.Leaderless), "partition"), r.Name)
		}
	}
	if len(rows) == 0 {
		fmt.Fprintln(a.err, "no topics yet; create one with: logctl topic create NAME")
	}
	return nil
}
