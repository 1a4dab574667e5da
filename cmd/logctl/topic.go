package main

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"
)

func newTopic(a *app) *cobra.Command {
	cmd := noun(&cobra.Command{Use: "topic", Short: "Topics and their records"})
	cmd.AddCommand(newTopicCreate(a), newTopicList(a), newTopicDescribe(a), newTopicAlter(a),
		newTopicTrim(a), newTopicDelete(a), newTopicProduce(a), newTopicConsume(a))
	return cmd
}

// topicStatus is one row of the result of a mutation.
type topicStatus struct {
	Topic  string `json:"topic"`
	Status string `json:"status"`
	Error  string `json:"error,omitempty"`
}

// printStatuses prints TOPIC STATUS and ends the command with exit 1 if any failed; why goes to stderr.
func (a *app) printStatuses(rows []topicStatus) error {
	bad := false
	t := newTable("TOPIC", "STATUS")
	for _, r := range rows {
		t.add(r.Topic, r.Status)
		bad = bad || r.Error != ""
	}
	if a.json {
		if err := a.printJSON(rows); err != nil {
			return err
		}
	} else {
		t.print(a.out)
	}
	for _, r := range rows {
		if r.Error != "" {
			a.note("topic %s: %s", r.Topic, r.Error)
		}
	}
	if bad {
		return failed()
	}
	return nil
}

func unknownTopic(err error) bool {
	return errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.UnknownTopicID)
}

// statusWord is the short form of an error in a table: Kafka's name for it.
func statusWord(err error) string {
	var ke *kerr.Error
	if errors.As(err, &ke) {
		return ke.Message
	}
	return "ERROR"
}
