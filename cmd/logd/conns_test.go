package main

import (
	"strings"
	"testing"
)

// Whatever --shards allows has room for its peers, twice, and the rest is the clients'.
func TestConnLimits(t *testing.T) {
	for _, c := range []struct {
		brokers, shards, files int
		want                   connLimits
		err                    string
	}{
		{brokers: 1, shards: 1, files: 1 << 20, want: connLimits{clients: 12_000, peers: 64, files: 256}},
		{brokers: 3, shards: 129, files: 1 << 20, want: connLimits{clients: 12_000, peers: 1088, files: 256}},
		{brokers: 3, shards: 256, files: 1 << 20, want: connLimits{clients: 12_000, peers: 1088, files: 253}},
		{brokers: 5, shards: 256, files: 1 << 20, want: connLimits{clients: 12_000, peers: 2112, files: 253}},
		{brokers: 3, shards: 1, files: 4096, want: connLimits{clients: 1984, peers: 1088, files: 253}},
		{brokers: 3, shards: 8, files: 1024, want: connLimits{clients: 384, peers: 384, files: 5}},
		{brokers: 3, shards: 256, files: 1024, err: "2 other brokers with 256 shards each make 512 connections to this one, and 1024 open files (ulimit -n) leave room for 384; raise that limit to 2048"},
		{brokers: 1, shards: 1, files: 112, want: connLimits{clients: 42, peers: 42, files: 4}},
		{brokers: 1, shards: 1, files: 111, err: "1 shards need 28 open files at least, and a quarter of 111 (ulimit -n) is 27; raise that limit to 112"},
		{brokers: 3, shards: 256, files: 4096, err: "256 shards need 7168 open files at least, and a quarter of 4096 (ulimit -n) is 1024; raise that limit to 28672"},
	} {
		got, err := limitConns(c.brokers, c.shards, 12_000, c.files)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%d brokers of %d shards, %d files:\n got %v\nwant %s", c.brokers, c.shards, c.files, err, c.err)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%d brokers of %d shards, %d files: %+v, expected %+v: %v", c.brokers, c.shards, c.files, got, c.want, err)
		}
		if takes := c.shards * (laneFiles*got.files + readers + restFiles); takes > c.files/4 || got.peers+got.clients+takes > c.files {
			t.Errorf("%d brokers of %d shards, %d files: files take %d, connections %d", c.brokers, c.shards, c.files, takes, got.peers+got.clients)
		}
		if need := 2 * (c.brokers - 1) * c.shards; c.files > 1<<16 && got.peers < need {
			t.Errorf("%d brokers of %d shards: %d connections of brokers, expected at least %d", c.brokers, c.shards, got.peers, need)
		}
	}
}
