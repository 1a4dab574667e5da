package main

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestTopicAlter(t *testing.T) {
	t.Parallel()
	c := fake(t, 1, "orders")
	addrs := c.ListenAddrs()
	sameResult(t, "topic_alter", addrs, logctl(t, addrs, "", "topic", "alter", "orders", "nope", "-c", "retention.ms=5000", "-c", "retention.bytes=7"))
	value := func(key string) (string, string) {
		for _, c := range decode[topicInfo](t, logctl(t, addrs, "", "topic", "describe", "orders", "--json").ok(t)).Configs {
			if c.Key == key {
				return *c.Value, c.Source
			}
		}
		return "", ""
	}
	if v, from := value("retention.ms"); v != "5000" || from != "topic" {
		t.Errorf("retention.ms is %s from %s", v, from)
	}
	logctl(t, addrs, "", "topic", "alter", "orders", "--delete-config", "retention.ms", "--dry-run").ok(t)
	if v, _ := value("retention.ms"); v != "5000" {
		t.Errorf("a dry run made retention.ms %s", v)
	}
	logctl(t, addrs, "", "topic", "alter", "orders", "--delete-config", "retention.ms").ok(t)
	if v, from := value("retention.ms"); v != "604800000" || from != "default" {
		t.Errorf("retention.ms is %s from %s", v, from)
	}
	for _, c := range [][]string{
		{"nothing to change"}, {"give NAME=VALUE", "-c", "retention.ms"}, {"is given twice", "-c", "a=1", "-c", "a=2"},
		{"is given twice", "-c", "a=1", "--delete-config", "a"}, {"give the NAME", "--delete-config", "a=1"},
	} {
		logctl(t, addrs, "", append([]string{"topic", "alter", "orders"}, c[1:]...)...).want(t, exitUsage, c[0])
	}
	logctl(t, addrs, "", "topic", "create", "short", "-r", "1", "-c", "retention.ms=9").ok(t)
	logctl(t, addrs, "", "topic", "create", "short2", "-r", "1", "-c", "retention.ms").want(t, exitUsage, "give NAME=VALUE")
}

// A change that the metadata's leader can't make yet is asked for again: it changes nothing that was changed already.
func TestTopicAlterWaitsForALeader(t *testing.T) {
	t.Parallel()
	c := fake(t, 1, "orders")
	refused := 0
	c.ControlKey(int16(kmsg.IncrementalAlterConfigs), func(r kmsg.Request) (kmsg.Response, error, bool) {
		if refused++; refused > 2 {
			return nil, nil, false
		}
		c.KeepControl()
		resp := r.ResponseKind().(*kmsg.IncrementalAlterConfigsResponse)
		row := kmsg.NewIncrementalAlterConfigsResponseResource()
		row.ResourceType, row.ResourceName, row.ErrorCode = kmsg.ConfigResourceTypeTopic, "orders", kerr.NotController.Code
		resp.Resources = append(resp.Resources, row)
		return resp, nil, true
	})
	logctl(t, c.ListenAddrs(), "", "topic", "alter", "orders", "-c", "retention.ms=5000").ok(t)
}

func TestTopicTrim(t *testing.T) {
	t.Parallel()
	c := fake(t, 1, "orders")
	addrs := c.ListenAddrs()
	logctl(t, addrs, "a\nb\nc\n", "topic", "produce", "orders", "-p", "1").ok(t)
	sameResult(t, "topic_trim", addrs, logctl(t, addrs, "", "topic", "trim", "orders", "-p", "1", "--before", "2"))
	info := decode[topicInfo](t, logctl(t, addrs, "", "topic", "describe", "orders", "--json").ok(t))
	if at := *info.Partitions[1].LogStart; at != 2 {
		t.Errorf("the log starts at %d", at)
	}
	sameResult(t, "topic_trim_beyond", addrs, logctl(t, addrs, "", "topic", "trim", "orders", "-p", "1,0", "--before", "9"))
	rows := decode[[]trimStatus](t, logctl(t, addrs, "", "topic", "trim", "orders", "-p", "1", "--before", "end", "--json").ok(t))
	if len(rows) != 1 || *rows[0].LogStart != 3 {
		t.Errorf("%+v", rows)
	}
	logctl(t, addrs, "", "topic", "trim", "orders", "-p", "7", "--before", "1").want(t, exitFailed, "has no partition 7, it has 3 partitions")
	logctl(t, addrs, "", "topic", "trim", "orders", "--before", "1").want(t, exitUsage, "--partition is missing")
	for _, before := range []string{"", "-1", "start"} {
		logctl(t, addrs, "", "topic", "trim", "orders", "-p", "1", "--before", before).want(t, exitUsage, "is not understood")
	}
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DeleteRecords}, Topic: "orders", Partitions: []int32{1}, Err: kerr.RequestTimedOut, Count: -1})
	logctl(t, addrs, "", "topic", "trim", "orders", "-p", "1", "--before", "3").want(t, exitFailed, "may or may not have happened")
}
