package main

import (
	"fmt"
	"math"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"logd/broker"
	"logd/broker/group"
	"logd/log"
)

// config is what serve was told.
type config struct {
	id        int32
	peers     map[int32]string
	kafka     string // listener of clients
	advertise string // what Metadata answers; kafka if empty
	data      string

	shards       int
	walFiles     int
	walFileBytes int64
	maxConns     int
	minFree      int64
	topics       broker.TopicDefaults

	groupDelay       time.Duration
	groupMinSession  time.Duration
	groupSize        int
	offsetsRetention time.Duration
	producers        int
	producerKeep     time.Duration

	consumerSession   time.Duration
	consumerHeartbeat time.Duration
	consumerSize      int
	consumerMigration string

	rack         string
	form         bool
	insecure     bool
	unsafeNoSync bool
	logLevel     string
	parentFD     int // dev's end of a pipe; -1: none

	peerList string
	file     string
}

// flags defines serve's flags; the same names stand in the config file and, as LOGD_NAME_IN_CAPITALS, in the environment.
func (c *config) flags(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.Int32Var(&c.id, "id", 0, "this broker's number, 1 or more, never reused for another machine")
	fl.StringVar(&c.peerList, "peers", "", "all brokers' peer addresses, this one's included: 1=host:port,2=host:port,...")
	fl.StringVar(&c.kafka, "kafka", "", "address to listen on for clients, host:port")
	fl.StringVar(&c.advertise, "advertise", "", "address that clients are told, host:port (default: --kafka)")
	fl.StringVar(&c.data, "data", "", "data directory; an empty one is formatted")
	fl.IntVar(&c.shards, "shards", 0, "event loops, fixed in the data directory at first start; 0: as it has, 1 in a new one")
	fl.IntVar(&c.walFiles, "wal-files", 0, "files of each shard's write-ahead log, fixed at first start; 0: as it has, 4 in a new one")
	fl.Int64Var(&c.walFileBytes, "wal-file-bytes", 0, "bytes of each, fixed at first start; 0: as it has, 67108864 in a new one")
	fl.Int64Var(&c.minFree, "min-free-bytes", 512<<20, "room on the disk below which records are refused, retriably; the rest goes on")
	fl.IntVar(&c.maxConns, "max-connections", 12_000, "client connections at most; further ones are refused")
	fl.Int32Var(&c.topics.Partitions, "num-partitions", 1, "partitions of a topic whose creator doesn't say")
	fl.Int16Var(&c.topics.Replication, "default-replication", -1, "its replicas; -1: 3, or the number of brokers if that is less")
	fl.BoolVar(&c.topics.AutoCreate, "auto-create-topics", false, "create a topic that a client asks for and that isn't there")
	fl.Int32Var(&c.topics.MaxMessageBytes, "max-message-bytes", 1048588, "bytes of a record batch at most; 16777216 is the most that brokers take from each other")
	fl.Int32Var(&c.topics.OffsetsPartitions, "offsets-partitions", 50, "partitions of __consumer_offsets, fixed when the first group asks for its coordinator")
	fl.DurationVar(&c.groupDelay, "group-initial-rebalance-delay", 3*time.Second, "how long the first member of a consumer group waits for more")
	fl.DurationVar(&c.groupMinSession, "group-min-session-timeout", 6*time.Second, "the shortest session timeout that a group's member may ask for")
	fl.IntVar(&c.groupSize, "group-max-size", math.MaxInt32, "members of a consumer group at most")
	fl.DurationVar(&c.consumerSession, "group-consumer-session-timeout", 45*time.Second, "a member of the consumer protocol (KIP-848) that isn't heard of for so long is out")
	fl.DurationVar(&c.consumerHeartbeat, "group-consumer-heartbeat-interval", 5*time.Second, "how often such a member is told to send heartbeats")
	fl.IntVar(&c.consumerSize, "group-consumer-max-size", 5000, "members of such a group at most")
	fl.StringVar(&c.consumerMigration, "group-consumer-migration-policy", migrateBoth, "whether a group with members changes its protocol: bidirectional, upgrade, downgrade or disabled")
	fl.DurationVar(&c.offsetsRetention, "offsets-retention", 7*24*time.Hour, "committed offsets that no member of their group uses are forgotten after so long")
	fl.DurationVar(&c.producerKeep, "producer-id-expiration", 24*time.Hour, "an idempotent producer that a partition doesn't hear of for so long is forgotten: its retries would be written again")
	fl.IntVar(&c.producers, "max-producers", 1000, "idempotent producers that a partition remembers at most; at the bound those that are silent for a 24th of that time make room, or new ones are refused")
	fl.StringVar(&c.rack, "rack", "", "name of this broker's failure domain; consumers that name it (client.rack) read from a replica in it")
	fl.BoolVar(&c.form, "form", false, "form a cluster of its own although listed brokers are silent")
	fl.BoolVar(&c.insecure, "insecure", false, "allow listeners that other machines can reach: anyone there can read and write everything")
	fl.BoolVar(&c.unsafeNoSync, "unsafe-no-sync", false, "never sync: a loss of power loses acknowledged records")
	fl.StringVar(&c.logLevel, "log-level", "info", "debug, info, warn or error")
	fl.StringVar(&c.file, "config", "", "file of NAME = VALUE lines, names as here")
	fl.IntVar(&c.parentFD, "parent-fd", -1, "end when this descriptor does")
	fl.MarkHidden("parent-fd") // can't fail: the flag is there
}

// complete fills flags that were not given from the environment (of NAME=VALUE), then from the config file.
func (c *config) complete(cmd *cobra.Command, environ []string) error {
	fl := cmd.Flags()
	set := func(name, value, where string) error {
		if err := fl.Set(name, value); err != nil {
			return usagef("%s: %s = %q: %v", where, name, value, err)
		}
		return nil
	}
	for _, v := range environ {
		variable, value, _ := strings.Cut(v, "=")
		name, ours := strings.CutPrefix(variable, "LOGD_")
		name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
		if f := fl.Lookup(name); !ours || f == nil || f.Changed || value == "" {
			continue
		}
		if err := set(name, value, "environment variable "+variable); err != nil {
			return err
		}
	}
	if c.file == "" {
		return nil
	}
	text, err := os.ReadFile(c.file)
	if err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	given := map[string]bool{} // on the command line, in the environment, or earlier in the file
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		where := fmt.Sprintf("%s line %d", c.file, n)
		name, value, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		f := fl.Lookup(name)
		switch {
		case !ok:
			return usagef("%s: %q is not NAME = VALUE", where, line)
		case f == nil || name == "config" || f.Hidden:
			return usagef("%s: there is no setting %q", where, name)
		}
		before, seen := given[name]
		if seen && !before {
			return usagef("%s: %s is set a second time", where, name)
		}
		if given[name] = f.Changed; f.Changed {
			continue
		}
		if err := set(name, strings.TrimSpace(value), where); err != nil {
			return err
		}
	}
	return nil
}

// check validates what was given and parses --peers.
func (c *config) check() error {
	if c.id < 1 {
		return usagef("--id is %d; give this broker a number, 1 or more", c.id)
	}
	peers, err := parsePeers(c.peerList)
	if err != nil {
		return err
	}
	c.peers = peers
	own, ok := peers[c.id]
	switch {
	case !ok:
		return usagef("--peers %s does not list broker %d itself", c.peerList, c.id)
	case c.data == "":
		return usagef("--data is missing; name a directory for this broker alone")
	case c.shards < 0 || c.shards > maxShards:
		return usagef("--shards is %d; 1 to %d are possible, or 0 for what the data directory has", c.shards, maxShards)
	case c.maxConns < 1:
		return usagef("--max-connections is %d; at least 1 is needed", c.maxConns)
	case c.topics.Partitions < 1:
		return usagef("--num-partitions is %d; at least 1 is needed", c.topics.Partitions)
	case c.topics.Replication < -1 || c.topics.Replication == 0 || int(c.topics.Replication) > len(peers):
		return usagef("--default-replication is %d; -1 or 1 to the number of brokers, %d, are possible", c.topics.Replication, len(peers))
	case c.topics.MaxMessageBytes < 1 || c.topics.MaxMessageBytes > broker.MaxEntryBytes:
		return usagef("--max-message-bytes is %d; 1 to %d are possible", c.topics.MaxMessageBytes, broker.MaxEntryBytes)
	}
	if c.producerKeep < time.Hour || c.producers < 1 {
		return usagef("--producer-id-expiration is %v, --max-producers %d; at least 1h, so that no retry outlives its producer, and 1 are needed", c.producerKeep, c.producers)
	}
	if err := c.options().Check(); err != nil {
		return usagef("--wal-files, --wal-file-bytes: %v", err)
	}
	if c.walFileBytes != 0 { // else it is the data directory's
		if err := c.checkMessage(c.options()); err != nil {
			return usageError{err.Error()}
		}
	}
	if err := c.checkGroups(); err != nil {
		return err
	}
	if err := checkListener("--kafka", c.kafka, c.insecure); err != nil {
		return err
	}
	if err := checkListener("--peers, broker "+strconv.Itoa(int(c.id)), own, c.insecure); err != nil {
		return err
	}
	if c.advertise == "" {
		if host, _, _ := net.SplitHostPort(c.kafka); isWildcard(host) {
			return usagef("--kafka %s is a wildcard, which clients can't connect to; say with --advertise host:port what they shall use", c.kafka)
		}
		return nil
	}
	return checkTarget("--advertise", c.advertise)
}

// checkMessage refuses batches that WAL files don't take.
func (c *config) checkMessage(opt log.Options) error {
	if most := log.MaxEntry(opt); int(c.topics.MaxMessageBytes) > most {
		return fmt.Errorf("--max-message-bytes is %d, WAL files of %d bytes (--wal-file-bytes) take at most %d", c.topics.MaxMessageBytes, opt.WALFileBytes, most)
	}
	return nil
}

// checkDir refuses a data directory that is not as the flags say. Sizes that weren't given are the directory's.
func (c *config) checkDir(dir log.Dir) error {
	opt := dir.Options
	switch {
	case dir.Broker != c.id:
		return fmt.Errorf("it belongs to broker %d, this is broker %d: check --data and --id", dir.Broker, c.id)
	case c.shards != 0 && dir.Shards != c.shards:
		return fmt.Errorf("it was made with --shards %d, which can't be changed to %d", dir.Shards, c.shards)
	case c.walFiles != 0 && opt.WALFiles != c.walFiles:
		return fmt.Errorf("it was made with --wal-files %d, which can't be changed to %d", opt.WALFiles, c.walFiles)
	case c.walFileBytes != 0 && opt.WALFileBytes != c.walFileBytes:
		return fmt.Errorf("it was made with --wal-file-bytes %d, which can't be changed to %d", opt.WALFileBytes, c.walFileBytes)
	}
	if _, err := c.limitConns(dir); err != nil {
		return err
	}
	return c.checkMessage(opt)
}

func (c *config) limitConns(dir log.Dir) (connLimits, error) {
	return limitConns(len(c.peers), dir.Shards, c.maxConns, maxFiles())
}

// Values of --group-consumer-migration-policy, Kafka's.
const (
	migrateBoth = "bidirectional"
	migrateUp   = "upgrade"
	migrateDown = "downgrade"
	migrateOff  = "disabled"
)

// groupLimits are the bounds of groups with what was given.
func (c *config) groupLimits(l group.Config) group.Config {
	l.InitialDelay, l.MinSession, l.MaxSize, l.Retention = c.groupDelay, c.groupMinSession, c.groupSize, c.offsetsRetention
	l.ConsumerSession, l.ConsumerHeartbeat, l.ConsumerMaxSize = c.consumerSession, c.consumerHeartbeat, c.consumerSize
	l.Upgrade = c.consumerMigration == migrateBoth || c.consumerMigration == migrateUp
	l.Downgrade = c.consumerMigration == migrateBoth || c.consumerMigration == migrateDown
	return l
}

// checkGroups validates what was given for consumer groups.
func (c *config) checkGroups() error {
	switch {
	case c.topics.OffsetsPartitions < 1 || c.topics.OffsetsPartitions > 10_000:
		return usagef("--offsets-partitions is %d; 1 to 10000 are possible", c.topics.OffsetsPartitions)
	case c.groupDelay < 0:
		return usagef("--group-initial-rebalance-delay is %v; 0 or more is needed", c.groupDelay)
	case c.groupMinSession < time.Millisecond:
		return usagef("--group-min-session-timeout is %v; at least 1ms is needed", c.groupMinSession)
	case c.groupSize < 1:
		return usagef("--group-max-size is %d; at least 1 is needed", c.groupSize)
	case c.consumerHeartbeat < time.Millisecond:
		return usagef("--group-consumer-heartbeat-interval is %v; at least 1ms is needed", c.consumerHeartbeat)
	case c.consumerSession <= c.consumerHeartbeat:
		return usagef("--group-consumer-session-timeout is %v; more than --group-consumer-heartbeat-interval, %v, is needed", c.consumerSession, c.consumerHeartbeat)
	case c.consumerSize < 1:
		return usagef("--group-consumer-max-size is %d; at least 1 is needed", c.consumerSize)
	case !slices.Contains([]string{migrateBoth, migrateUp, migrateDown, migrateOff}, c.consumerMigration):
		return usagef("--group-consumer-migration-policy is %q; bidirectional, upgrade, downgrade and disabled are possible", c.consumerMigration)
	case c.offsetsRetention < time.Millisecond:
		return usagef("--offsets-retention is %v; at least 1ms is needed", c.offsetsRetention)
	}
	return nil
}

// parsePeers reads 1=host:port,2=host:port.
func parsePeers(text string) (map[int32]string, error) {
	if text == "" {
		return nil, usagef("--peers is missing; list all brokers, this one too: 1=host:port,2=host:port,3=host:port")
	}
	peers := map[int32]string{}
	for entry := range strings.SplitSeq(text, ",") {
		number, addr, ok := strings.Cut(strings.TrimSpace(entry), "=")
		id, err := strconv.ParseInt(number, 10, 32)
		if !ok || err != nil || id < 1 {
			return nil, usagef("--peers: %q is not NUMBER=host:port", entry)
		}
		if old, twice := peers[int32(id)]; twice {
			return nil, usagef("--peers: broker %d is listed twice, at %s and at %s", id, old, addr)
		}
		if err := checkTarget("--peers, broker "+number, addr); err != nil {
			return nil, err
		}
		peers[int32(id)] = addr
	}
	return peers, nil
}

// checkTarget refuses what nobody can connect to.
func checkTarget(flag, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	n, perr := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil:
		return usagef("%s: %q is not host:port", flag, addr)
	case isWildcard(host):
		return usagef("%s: %s is a wildcard, which nobody can connect to; name a host", flag, addr)
	case perr != nil || n == 0:
		return usagef("%s: %q has no port from 1 to 65535", flag, addr)
	}
	return nil
}

// checkListener refuses a listener that other machines can reach, unless that was asked for.
func checkListener(flag, addr string, insecure bool) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return usagef("%s: %q is not host:port", flag, addr)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return usagef("%s: %q has no port from 0 to 65535", flag, addr)
	}
	if insecure {
		return nil
	}
	loopback := false
	if !isWildcard(host) {
		ips, err := net.LookupIP(host)
		if err != nil {
			return fmt.Errorf("%s: %w", flag, err)
		}
		loopback = !slices.ContainsFunc(ips, func(ip net.IP) bool { return !ip.IsLoopback() })
	}
	if !loopback {
		return usagef("%s: %s can be reached from other machines, and there is no TLS yet: use 127.0.0.1, or accept it with --insecure", flag, addr)
	}
	return nil
}

func isWildcard(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || ip != nil && ip.IsUnspecified()
}
