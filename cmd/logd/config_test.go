package main

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// parse gives args, environment and file to serve's flags, as serve does.
func parse(t *testing.T, environ []string, file string, args ...string) (*config, error) {
	t.Helper()
	if file != "" {
		name := filepath.Join(t.TempDir(), "logd.conf")
		if err := os.WriteFile(name, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", name)
	}
	c := &config{}
	cmd := &cobra.Command{Use: "serve"}
	c.flags(cmd)
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	if err := c.complete(cmd, environ); err != nil {
		return c, err
	}
	return c, c.check()
}

// The command line goes before the environment, and that before the file.
func TestConfigSources(t *testing.T) {
	file := `
# a broker
id = 3
peers = 1=127.0.0.1:1001, 2=127.0.0.1:1002,3=127.0.0.1:1003
kafka=127.0.0.1:3000
data = from file
num-partitions = 7
auto-create-topics = true
`
	environ := []string{"LOGD_DATA=from environment", "LOGD_NUM_PARTITIONS=8", "LOGD_RACK=", "LOGD_UNKNOWN=1", "PATH=/bin", "LOGD_PARENT_FD=-1"}
	c, err := parse(t, environ, file, "--num-partitions", "9")
	if err != nil {
		t.Fatal(err)
	}
	if c.id != 3 || c.data != "from environment" || c.topics.Partitions != 9 || !c.topics.AutoCreate || c.rack != "" ||
		len(c.peers) != 3 || c.peers[2] != "127.0.0.1:1002" {
		t.Errorf("%+v", c)
	}
}

func TestConfigRefuses(t *testing.T) {
	good := map[string]string{"--id": "1", "--peers": "1=127.0.0.1:1001,2=127.0.0.1:1002", "--kafka": "127.0.0.1:3000", "--data": "d"}
	for _, c := range []struct {
		change  string // --flag=value
		environ string
		file    string
		want    string
	}{
		{change: "--id=0", want: "--id is 0; give this broker a number, 1 or more"},
		{change: "--id=3", want: "does not list broker 3 itself"},
		{change: "--peers=", want: "--peers is missing; list all brokers, this one too"},
		{change: "--peers=1:127.0.0.1:1001", want: `"1:127.0.0.1:1001" is not NUMBER=host:port`},
		{change: "--peers=0=127.0.0.1:1001", want: `is not NUMBER=host:port`},
		{change: "--peers=1=127.0.0.1:1001,1=127.0.0.1:1002", want: "broker 1 is listed twice, at 127.0.0.1:1001 and at 127.0.0.1:1002"},
		{change: "--peers=1=127.0.0.1", want: `--peers, broker 1: "127.0.0.1" is not host:port`},
		{change: "--peers=1=127.0.0.1:0", want: "no port from 1 to 65535"},
		{change: "--peers=1=0.0.0.0:1001", want: "0.0.0.0:1001 is a wildcard, which nobody can connect to"},
		{change: "--peers=1=192.0.2.1:1001", want: "--peers, broker 1: 192.0.2.1:1001 can be reached from other machines"},
		{change: "--data=", want: "--data is missing"},
		{change: "--kafka=", want: `--kafka: "" is not host:port`},
		{change: "--kafka=127.0.0.1:70000", want: "no port from 0 to 65535"},
		{change: "--kafka=:3000", want: ":3000 can be reached from other machines, and there is no TLS yet"},
		{change: "--kafka=0.0.0.0:3000 --insecure", want: "--kafka 0.0.0.0:3000 is a wildcard, which clients can't connect to; say with --advertise"},
		{change: "--kafka=[::]:3000 --insecure", want: "is a wildcard"},
		{change: "--kafka=[::]:3000 --insecure --advertise=[::]:3000", want: "--advertise: [::]:3000 is a wildcard"},
		{change: "--kafka=192.0.2.1:3000", want: "or accept it with --insecure"},
		{change: "--advertise=here", want: `--advertise: "here" is not host:port`},
		{change: "--shards=300", want: "--shards is 300"},
		{change: "--num-partitions=0", want: "--num-partitions is 0"},
		{change: "--default-replication=3", want: "the number of brokers, 2, are possible"},
		{change: "--default-replication=0", want: "--default-replication is 0"},
		{change: "--max-connections=0", want: "--max-connections is 0"},
		{change: "--max-message-bytes=0", want: "--max-message-bytes is 0"},
		{change: "--max-message-bytes=16777217 --wal-file-bytes=268435456", want: "--max-message-bytes is 16777217; 1 to 16777216 are possible"},
		{environ: "LOGD_SHARDS=two", want: `environment variable LOGD_SHARDS: shards = "two": `},
		{file: "shards 2", want: `line 1: "shards 2" is not NAME = VALUE`},
		{file: "# c\n\nshard = 2", want: `line 3: there is no setting "shard"`},
		{file: "parent-fd = 2", want: `there is no setting "parent-fd"`},
		{file: "config = other", want: `there is no setting "config"`},
		{file: "shards = 2\nshards = 3", want: "line 2: shards is set a second time"},
		{file: "shards = many", want: `line 1: shards = "many": `},
	} {
		args := maps.Clone(good)
		var list []string
		for _, f := range strings.Fields(c.change) {
			k, v, ok := strings.Cut(f, "=")
			if !ok {
				list = append(list, f)
				continue
			}
			args[k] = v
		}
		for k, v := range args {
			list = append(list, k+"="+v)
		}
		_, err := parse(t, []string{c.environ}, c.file, list...)
		var usage usageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s %q:\n got %v\nwant %s", c.change, c.environ, c.file, err, c.want)
		}
	}
	for _, change := range []string{"--kafka=0.0.0.0:3000 --insecure --advertise=host:3000", "--kafka=localhost:0", "--kafka=[::1]:3000"} {
		args := []string{"--id=1", "--peers=1=localhost:1001", "--data=d"}
		if _, err := parse(t, nil, "", append(args, strings.Fields(change)...)...); err != nil {
			t.Errorf("%s: %v", change, err)
		}
	}
}

// Sizes that no store takes are refused before anything is formatted.
func TestConfigRefusesSizes(t *testing.T) {
	for flag, want := range map[string]string{
		"--wal-files=1":            "--wal-files, --wal-file-bytes: options: 1 WAL files, expected 2 to 65536",
		"--wal-file-bytes=77":      "WAL files of 77 bytes, expected a multiple of 4096",
		"--wal-files=-1":           "options: -1 WAL files, expected 2 to 65536",
		"--wal-file-bytes=-1":      "WAL files of -1 bytes, expected a multiple of 4096",
		"--wal-file-bytes=1048576": "--max-message-bytes is 1048588, WAL files of 1048576 bytes (--wal-file-bytes) take at most 25",
		"--shards=257":             "--shards is 257; 1 to 256 are possible, or 0 for what the data directory has",
	} {
		_, err := parse(t, nil, "", "--id=1", "--peers=1=127.0.0.1:1001", "--kafka=127.0.0.1:3000", "--data=d", flag)
		var usage usageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", flag, err, want)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"version", exitOK, ""},
		{"", exitUsage, "say what to do"},
		{"server", exitUsage, `unknown command "server"; there are: serve, dev, inspect, version`},
		{"serve --nothing", exitUsage, "unknown flag: --nothing"},
		{"serve more", exitUsage, `unexpected argument "more"`},
		{"serve", exitUsage, "--id is 0"},
		{"serve --id 1 --peers 1=127.0.0.1:1 --kafka 127.0.0.1:0 --data d --log-level loud", exitUsage, `--log-level is "loud"`},
		{"serve --config nowhere", exitFailed, "--config: open nowhere: no such file"},
		{"dev --brokers 0", exitUsage, "--brokers is 0"},
		{"dev --port 65000", exitUsage, "--port is 65000"},
	} {
		var out, errs bytes.Buffer
		a := &app{out: &out, err: &errs}
		if code := a.run(context.Background(), strings.Fields(c.args)); code != c.code || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%q: exit %d, want %d with %q:\n%s", c.args, code, c.code, c.want, errs.String())
		}
		if c.code == exitOK && !strings.HasPrefix(out.String(), "logd ") {
			t.Errorf("%q printed %q", c.args, out.String())
		}
	}
}
