package e2e

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var clientsFlag = flag.String("clients", "franz-go,sarama,kafka-go,kcat", "which folders of testdata/clients TestClients runs: names with commas between, kafka-tools for Apache Kafka's own, or all")

// foreign is one program of testdata/clients; its README says what each command does.
type foreign struct {
	name   string
	build  func(t *testing.T, f *foreign) []string // the command line that runs it
	modes  []string                                // of produce
	groups []string                                // protocols that it consumes with
	idemp  bool                                    // its default is idempotent
	bare   bool                                    // it creates nothing, shows no committed offsets, and takes neither timestamps nor headers for each record
	argv   []string
}

var foreigners = []*foreign{
	{name: "franz-go", build: buildGo, modes: []string{"default", "none", "gzip", "snappy", "lz4", "zstd"}, groups: []string{"classic", "consumer"}, idemp: true},
	{name: "sarama", build: buildGo, modes: []string{"default", "idempotent", "gzip", "snappy", "lz4", "zstd"}, groups: []string{"classic"}},
	{name: "kafka-go", build: buildGo, modes: []string{"default", "gzip", "snappy", "lz4", "zstd"}, groups: []string{"classic"}},
	{name: "kcat", build: buildKcat, modes: []string{"default", "idempotent", "gzip", "snappy", "lz4", "zstd"}, groups: []string{"classic"}, bare: true},
	{name: "confluent-kafka-go", build: buildGo, modes: []string{"default", "idempotent", "gzip", "snappy", "lz4", "zstd"}, groups: []string{"classic", "consumer"}},
	{name: "java", build: buildJava, modes: []string{"default", "idempotent", "gzip", "snappy", "lz4", "zstd"}, groups: []string{"classic", "consumer"}, idemp: true},
	{name: "kafkajs", build: buildNode, modes: []string{"default", "idempotent", "gzip", "snappy"}, groups: []string{"classic"}},
	{name: "platformatic", build: buildNode, modes: []string{"default", "idempotent", "gzip", "snappy", "lz4"}, groups: []string{"classic", "consumer"}}, // zstd needs Node 22.15
	{name: "confluent-kafka-python", build: buildPython, modes: []string{"default", "idempotent", "gzip", "snappy", "lz4", "zstd"}, groups: []string{"classic", "consumer"}},
	{name: "kafka-python", build: buildPython, modes: []string{"default", "idempotent", "gzip", "snappy", "lz4", "zstd"}, groups: []string{"classic"}, idemp: true},
}

// clientRows is the table that TestClients prints.
type clientRows struct {
	mu   sync.Mutex
	rows map[string]map[string]string // client, column
}

func (r *clientRows) set(client, column, cell string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rows[client] == nil {
		r.rows[client] = map[string]string{}
	}
	r.rows[client][column] = cell
}

func (r *clientRows) String() string {
	columns := []string{"create", "produce", "classic group", "consumer group"}
	var b strings.Builder
	fmt.Fprintf(&b, "| client | %s |\n|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)+1))
	for _, f := range foreigners {
		if row := r.rows[f.name]; row != nil {
			fmt.Fprintf(&b, "| %s |", f.name)
			for _, c := range columns {
				cell := row[c]
				if cell == "" {
					cell = "–"
				}
				fmt.Fprintf(&b, " %s |", cell)
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// Every client works with a cluster of three brokers as it comes: it creates a topic, produces with its defaults, with idempotence and
// with each codec it has, consumes in a group while members leave and join and the coordinator is killed, and finds its offsets after a restart.
func TestClients(t *testing.T) {
	t.Parallel()
	wanted := strings.Split(*clientsFlag, ",")
	for _, name := range wanted {
		if name != "all" && name != "kafka-tools" && !slices.ContainsFunc(foreigners, func(f *foreign) bool { return f.name == name }) {
			t.Fatalf("-clients=%s: there is no folder %s in testdata/clients", *clientsFlag, name)
		}
	}
	table := &clientRows{rows: map[string]map[string]string{}}
	t.Run("client", func(t *testing.T) {
		for _, f := range foreigners {
			if *clientsFlag != "all" && !slices.Contains(wanted, f.name) {
				continue
			}
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				f.check(t, table)
			})
		}
	})
	if *clientsFlag == "all" || slices.Contains(wanted, "kafka-tools") {
		t.Run("kafka-tools", checkKafkaTools)
	}
	t.Logf("\n%s", table)
}

// check runs one client through everything, on a cluster of its own.
func (f *foreign) check(t *testing.T, table *clientRows) {
	table.set(f.name, "create", "**failed**")
	f.argv = f.build(t, f)
	c := startCluster(t)
	topic := "t-" + f.name
	if f.bare {
		c.createTopic(t, topic, clientPartitions)
		table.set(f.name, "create", "–")
	} else {
		f.run(t, "create", c, topic, fmt.Sprint(clientPartitions))
		table.set(f.name, "create", "yes")
	}
	c.awaitLeaders(t, topic)
	var produced []string
	for _, mode := range f.modes {
		ok := t.Run(mode, func(t *testing.T) { f.checkProduce(t, c, topic, mode) })
		produced = append(produced, verdict(ok, mode, "**"+mode+" failed**"))
	}
	table.set(f.name, "produce", strings.Join(produced, ", "))
	for _, protocol := range f.groups {
		home := t
		ok := t.Run(protocol, func(t *testing.T) { f.checkGroup(home, t, c, protocol) })
		table.set(f.name, protocol+" group", verdict(ok, "yes", "**failed**"))
	}
}

func verdict(ok bool, good, bad string) string {
	if ok {
		return good
	}
	return bad
}

// awaitLeaders waits until each broker knows a leader of every partition.
func (c *cluster) awaitLeaders(t *testing.T, topic string) {
	t.Helper()
	for _, n := range c.nodes {
		await(t, "leaders of "+topic, func() (bool, string) {
			leaders, err := n.leaders(topic)
			return err == nil && len(leaders) == clientPartitions && !slices.Contains(leaders, -1), fmt.Sprint(leaders, err)
		})
	}
}

const (
	clientPartitions = 6
	clientRecords    = 300 // of each mode
)

// checkProduce lets the client send records of one mode, and reads what the log has of them.
func (f *foreign) checkProduce(t *testing.T, c *cluster, topic, mode string) {
	t.Helper()
	base := time.Now().Add(-time.Hour).UnixMilli()
	said := f.run(t, "produce", c, topic, mode, fmt.Sprint(clientRecords), fmt.Sprint(base))
	if len(said) != clientRecords {
		t.Fatalf("%s: %d records are acknowledged, %d were sent", mode, len(said), clientRecords)
	}
	places := map[string]line{}
	for _, l := range said {
		places[l.Value] = l
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	seen := map[string]bool{}
	last := map[int32]int{}
	for _, r := range readTopic(ctx, t, c, topic) {
		var i int
		value := string(r.Value)
		if _, err := fmt.Sscanf(value, mode+"-%d-", &i); err != nil {
			continue
		}
		where := fmt.Sprintf("%s: partition %d, offset %d, record %d", mode, r.Partition, r.Offset, i)
		if seen[value] {
			t.Fatalf("%s: it is there twice", where)
		}
		seen[value] = true
		if before, ok := last[r.Partition]; ok && before > i {
			t.Fatalf("%s: behind record %d", where, before)
		}
		last[r.Partition] = i
		if l := places[value]; l.Offset != nil && (*l.Offset != r.Offset || *l.Partition != r.Partition) {
			t.Fatalf("%s: the client was told partition %d, offset %d", where, *l.Partition, *l.Offset)
		}
		f.checkSent(t, where, mode, i, base, r)
	}
	if len(seen) != clientRecords {
		t.Errorf("%s: %d of %d records are in the log", mode, len(seen), clientRecords)
	}
}
