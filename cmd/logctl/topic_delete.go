package main

import (
	"context"

	"github.com/spf13/cobra"
)

func newTopicDelete(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME...",
		Short: "Delete topics and all their records",
		Args:  names("topic name", 1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.deleteTopics(cmd.Context(), args)
		},
	}
}

func (a *app) deleteTopics(ctx context.Context, topics []string) error {
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	topics = unique(topics)
	resps, err := s.adm.DeleteTopics(ctx, topics...)
	if err != nil {
		return s.unclearMutation("delete", err)
	}
	var rows []topicStatus
	for _, name := range topics {
		row := topicStatus{Topic: name, Status: "OK"}
		r, ok := resps[name]
		switch {
		case !ok:
			row.Status, row.Error = "ERROR", "the broker's answer doesn't mention it; see: logctl topic list"
		case r.Err != nil:
			row.Status, row.Error = statusWord(r.Err), codeText(r.Err, r.ErrMessage)
		}
		rows = append(rows, row)
	}
	return a.printStatuses(rows)
}
