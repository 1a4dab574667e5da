package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

func newTopicAlter(a *app) *cobra.Command {
	var set, del []string
	var dry bool
	cmd := &cobra.Command{
		Use:   "alter NAME...",
		Short: "Change settings of topics, all that are given or none",
		Example: `  logctl topic alter orders --config retention.ms=3600000 --config retention.bytes=1000000000
  logctl topic alter orders --delete-config retention.ms   # back to the broker's own`,
		Args: names("topic name", 1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			changes, err := parseChanges(set, del)
			if err != nil {
				return err
			}
			return a.alterTopics(cmd.Context(), unique(args), changes, dry)
		},
	}
	fl := cmd.Flags()
	fl.StringArrayVarP(&set, "config", "c", nil, "NAME=VALUE, a setting to change; may be repeated")
	fl.StringArrayVar(&del, "delete-config", nil, "NAME of a setting to go back to the broker's own; may be repeated")
	fl.BoolVar(&dry, "dry-run", false, "say what would come of it, and change nothing")
	return cmd
}

// parseChanges reads --config and --delete-config.
func parseChanges(set, del []string) ([]kadm.AlterConfig, error) {
	var changes []kadm.AlterConfig
	given := make(map[string]bool)
	for _, s := range set {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return nil, usagef("--config %q is not understood; give NAME=VALUE, such as retention.ms=3600000", s)
		}
		if given[name] {
			return nil, usagef("--config %s is given twice", name)
		}
		given[name] = true
		changes = append(changes, kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: &value})
	}
	for _, name := range del {
		if name == "" || strings.Contains(name, "=") {
			return nil, usagef("--delete-config %q is not understood; give the NAME of a setting", name)
		}
		if given[name] {
			return nil, usagef("setting %s is given twice", name)
		}
		given[name] = true
		changes = append(changes, kadm.AlterConfig{Op: kadm.DeleteConfig, Name: name})
	}
	if len(changes) == 0 {
		return nil, usagef("nothing to change; give --config NAME=VALUE or --delete-config NAME")
	}
	return changes, nil
}

func (a *app) alterTopics(ctx context.Context, topics []string, changes []kadm.AlterConfig, dry bool) error {
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	ask := s.adm.AlterTopicConfigs
	if dry {
		ask = s.adm.ValidateAlterTopicConfigs
	}
	resps, err := ask(ctx, changes, topics...)
	for err == nil && unled(resps) && sleep(ctx, 100*time.Millisecond) == nil {
		resps, err = ask(ctx, changes, topics...) // which changes nothing that was changed already
	}
	if err != nil {
		return s.unclearMutation("change", err)
	}
	var rows []topicStatus
	for _, name := range topics {
		row := topicStatus{Topic: name, Status: "OK"}
		r, err := resps.On(name, nil)
		switch {
		case err != nil:
			row.Status, row.Error = "ERROR", "the broker's answer doesn't mention it; see: logctl topic describe "+name
		case r.Err != nil:
			row.Status, row.Error = statusWord(r.Err), codeText(r.Err, r.ErrMessage)
		}
		rows = append(rows, row)
	}
	return a.printStatuses(rows)
}

// unled says that the metadata has no leader that can make the change yet.
func unled(resps kadm.AlterConfigsResponses) bool {
	for _, r := range resps {
		if errors.Is(r.Err, kerr.NotController) {
			return true
		}
	}
	return false
}
