package e2e

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

var toolsDoc = flag.String("tools-doc", "", "with -clients all: the file to write the output of Apache Kafka's tools to (docs/kafka-tools.md)")

// kafkaTool is one run of one of Apache Kafka's own command-line tools.
type kafkaTool struct {
	script string // as Kafka's users know it
	class  string
	args   string // split at spaces; with BROKERS, SEGMENT, and OFFSETS for the segment that a group's offsets are in
	group  string // whose offsets
	want   string // regular expression of what it must print
}

var kafkaTools = []kafkaTool{
	{"kafka-broker-api-versions.sh", "org.apache.kafka.tools.BrokerApiVersionsCommand", "--bootstrap-server BROKERS", "", `Produce\(0\): 0 to 13`},
	{"kafka-topics.sh", "org.apache.kafka.tools.TopicCommand", "--bootstrap-server BROKERS --create --topic tools --partitions 3 --replication-factor 3 --config retention.ms=86400000", "", `Created topic tools`},
	{"kafka-topics.sh", "org.apache.kafka.tools.TopicCommand", "--bootstrap-server BROKERS --list", "", `(?m)^tools$`},
	{"kafka-topics.sh", "org.apache.kafka.tools.TopicCommand", "--bootstrap-server BROKERS --describe --topic tools", "", `PartitionCount: 3\s+ReplicationFactor: 3`},
	{"kafka-configs.sh", "kafka.admin.ConfigCommand", "--bootstrap-server BROKERS --alter --entity-type topics --entity-name tools --add-config max.message.bytes=2000000", "", `Completed updating config for topic tools`},
	{"kafka-configs.sh", "kafka.admin.ConfigCommand", "--bootstrap-server BROKERS --describe --entity-type topics --entity-name tools", "", `max\.message\.bytes=2000000`},
	{"kafka-producer-perf-test.sh", "org.apache.kafka.tools.ProducerPerformance", "--topic tools --num-records 20000 --record-size 200 --throughput -1 --producer-props bootstrap.servers=BROKERS", "", `20000 records sent`},
	{"kafka-get-offsets.sh", "org.apache.kafka.tools.GetOffsetShell", "--bootstrap-server BROKERS --topic tools", "", `tools:0:\d+`},
	{"kafka-consumer-perf-test.sh", "org.apache.kafka.tools.ConsumerPerformance", "--bootstrap-server BROKERS --topic tools --messages 20000 --group tools-perf", "", `20\d\d\d`},
	{"kafka-verifiable-producer.sh", "org.apache.kafka.tools.VerifiableProducer", "--bootstrap-server BROKERS --topic tools --max-messages 100 --acks -1", "", `"acked":100`},
	{"kafka-verifiable-consumer.sh", "org.apache.kafka.tools.VerifiableConsumer", "--bootstrap-server BROKERS --topic tools --group-id tools-verified --max-messages 100 --reset-policy earliest", "", `"name":"records_consumed"`},
	{"kafka-consumer-groups.sh", "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", "--bootstrap-server BROKERS --list", "", `(?m)^tools-perf$`},
	{"kafka-consumer-groups.sh", "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", "--bootstrap-server BROKERS --describe --group tools-verified", "", `tools-verified\s+tools\s+\d`},
	{"kafka-consumer-groups.sh", "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", "--bootstrap-server BROKERS --group tools-verified --topic tools --reset-offsets --to-earliest --execute", "", `tools-verified\s+tools\s+\d\s+0`},
	{"kafka-consumer-groups.sh", "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", "--bootstrap-server BROKERS --delete --group tools-verified", "", `Deletion of requested consumer groups \('tools-verified'\) was successful`},
	{"kafka-verifiable-consumer.sh", "org.apache.kafka.tools.VerifiableConsumer", "--bootstrap-server BROKERS --topic tools --group-id tools-848 --group-protocol consumer --max-messages 100 --reset-policy earliest", "", `"name":"records_consumed"`},
	{"kafka-log-dirs.sh", "org.apache.kafka.tools.LogDirsCommand", "--bootstrap-server BROKERS --describe --topic-list tools", "", `"partition":"tools-2","size":\d{6,}`},
	{"kafka-dump-log.sh", "kafka.tools.DumpLogSegments", "--files SEGMENT --print-data-log", "", `baseOffset: 0 lastOffset: \d+ .* isvalid: true`},
	{"kafka-dump-log.sh", "kafka.tools.DumpLogSegments", "--files OFFSETS --offsets-decoder", "tools-perf", `"group":"tools-perf","topic":"tools","partition":0.*"offset":\d+`},
	{"kafka-dump-log.sh", "kafka.tools.DumpLogSegments", "--files OFFSETS --offsets-decoder", "tools-848", `"groupId":"tools-848"`},
	{"kafka-topics.sh", "org.apache.kafka.tools.TopicCommand", "--bootstrap-server BROKERS --delete --topic tools", "", `^\s*$`},
}

// checkKafkaTools runs Apache Kafka's own tools against a cluster.
func checkKafkaTools(t *testing.T) {
	java := foreigners[indexOfClient(t, "java")]
	argv := buildJava(t, java)
	c := startCluster(t)
	var doc bytes.Buffer
	fmt.Fprintf(&doc, "# Apache Kafka's own tools, run against three brokers\n\nWritten by `go test ./cmd/e2e -run TestClients -clients all -tools-doc docs/kafka-tools.md`. The tools are those of Apache Kafka 4.1, from Maven Central.\n"+
		"What they write to standard error is left out, long lines and outputs are cut, and addresses are BROKERS.\n")
	filled := false
	for _, k := range kafkaTools {
		if k.group != "" && !filled {
			c.fillWAL(t)
			filled = true
		}
		down := strings.Contains(k.args, "--files")
		if down {
			for _, n := range c.nodes {
				n.stop(t)
			}
		}
		args := strings.ReplaceAll(k.args, "BROKERS", strings.Join(c.addrs(), ","))
		args = strings.ReplaceAll(args, "SEGMENT", c.segment(t, ""))
		args = strings.ReplaceAll(args, "OFFSETS", c.segment(t, k.group))
		out := runKafkaTool(t, argv[:len(argv)-1], k, strings.Fields(args))
		shown := strings.ReplaceAll(out, strings.Join(c.addrs(), ","), "BROKERS")
		for i, addr := range c.addrs() {
			shown = strings.ReplaceAll(shown, addr, fmt.Sprintf("BROKER-%d", i+1))
		}
		shown = strings.ReplaceAll(shown, c.dir, "DIR")
		fmt.Fprintf(&doc, "\n```\n$ %s %s\n%s\n```\n", k.script, strings.NewReplacer("SEGMENT", aSegment, "OFFSETS", aSegment).Replace(k.args), abridge(shown))
		if down {
			c.startAndServe(t, c.nodes...)
		}
	}
	if *toolsDoc != "" && !t.Failed() {
		if err := os.WriteFile(*toolsDoc, doc.Bytes(), 0o644); err != nil {
			t.Error(err)
		}
	}
}

func indexOfClient(t *testing.T, name string) int {
	for i, f := range foreigners {
		if f.name == name {
			return i
		}
	}
	t.Fatalf("no client %s", name)
	return 0
}

// runKafkaTool runs one tool; it must end well and print what is wanted.
func runKafkaTool(t *testing.T, argv []string, k kafkaTool, args []string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], append(append(argv[1:len(argv):len(argv)], k.class), args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Errorf("%s %s: %v\n%s%s", k.script, k.args, err, out.String(), errs.String())
	}
	if !regexp.MustCompile(k.want).MatchString(out.String()) {
		t.Errorf("%s %s: it doesn't print %s:\n%s%s", k.script, k.args, k.want, out.String(), errs.String())
	}
	return strings.TrimSpace(out.String())
}

// abridge keeps the first lines of a long output.
func abridge(out string) string {
	const most = 12
	lines := strings.Split(out, "\n")
	for i, l := range lines {
		if len(l) > 180 {
			l = l[:180] + " …"
		}
		lines[i] = strings.TrimRight(l, " \t")
	}
	if len(lines) > most {
		lines = append(lines[:most], fmt.Sprintf("… %d lines more", len(lines)-most))
	}
	return strings.Join(lines, "\n")
}

// fillWAL has brokers move everything that is in their WALs to segments, by appending more than they hold.
func (c *cluster) fillWAL(t *testing.T) {
	t.Helper()
	const topic, records, size = "filler", 60, 500_000
	c.createTopic(t, topic, 1)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.addrs()...), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for range records {
		if err := cl.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: make([]byte, size)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

const aSegment = "DIR/…/00000000000000000000.log"

// segment is the largest segment of the first broker; of those that a group is named in, if one is given.
func (c *cluster) segment(t *testing.T, group string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(c.nodes[0].data, "*", "seg", "*", "00000000000000000000.log"))
	if err != nil {
		t.Fatal(err)
	}
	best, size := "none", -1
	for _, f := range found {
		if data, err := os.ReadFile(f); err == nil && len(data) > size && bytes.Contains(data, []byte(group)) {
			best, size = f, len(data)
		}
	}
	return best
}
