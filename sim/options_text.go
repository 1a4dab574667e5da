package sim

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"logd/broker/group"
	"logd/log"
)

// option is where one option stands: a pointer to an int, int64, uint64, bool or time.Duration. A story calls it by its path in
// Options: Limits.Tick, or Faults.Weight.crash.
type option struct {
	name string
	at   any
}

// all lists every option (TestOptionsAreListed).
func (o *Options) all() []option {
	s, l, d, n, c := &o.Store, &o.Limits, &o.Disk, &o.Net, &o.Load
	all := []option{
		{"Seed", &o.Seed}, {"Length", &o.Length}, {"Brokers", &o.Brokers}, {"Shards", &o.Shards}, {"Turn", &o.Turn},
		{"Budget", &o.Budget},
		{"Store.WALFiles", &s.WALFiles}, {"Store.WALFileBytes", &s.WALFileBytes}, {"Store.GroupBytes", &s.GroupBytes},
		{"Store.SegmentBytes", &s.SegmentBytes}, {"Store.IndexBytes", &s.IndexBytes},
		{"Limits.Tick", &l.Tick}, {"Limits.ElectionTicks", &l.ElectionTicks}, {"Limits.HeartbeatTicks", &l.HeartbeatTicks},
		{"Limits.TransferTicks", &l.TransferTicks}, {"Limits.HandOverTicks", &l.HandOverTicks},
		{"Limits.StallElections", &l.StallElections}, {"Limits.WindowBytes", &l.WindowBytes}, {"Limits.FlushBytes", &l.FlushBytes},
		{"Limits.FlushChunk", &l.FlushChunk}, {"Limits.MessageBytes", &l.MessageBytes},
		{"Limits.InflightMessages", &l.InflightMessages}, {"Limits.InflightBytes", &l.InflightBytes},
		{"Limits.RetentionTicks", &l.RetentionTicks}, {"Limits.UncommittedBytes", &l.UncommittedBytes},
		{"Limits.QueueBytes", &l.QueueBytes}, {"Limits.EnvelopeBytes", &l.EnvelopeBytes}, {"Limits.RangeBytes", &l.RangeBytes},
		{"Limits.Transfers", &l.Transfers}, {"Limits.TransferBytes", &l.TransferBytes}, {"Limits.FetchBytes", &l.FetchBytes},
		{"Limits.ColdRead", &l.ColdRead}, {"Limits.ScanBytes", &l.ScanBytes}, {"Limits.GroupsAnswer", &l.GroupsAnswer}, {"Limits.Repairs", &l.Repairs}, {"Limits.ScrubBytes", &l.ScrubBytes},
		{"Limits.ScrubEvery", &l.ScrubEvery}, {"Limits.RequestBytes", &l.RequestBytes}, {"Limits.PartialBytes", &l.PartialBytes}, {"Limits.PartialWait", &l.PartialWait},
		{"Limits.ConnRequests", &l.ConnRequests}, {"Limits.ConnBytes", &l.ConnBytes}, {"Limits.ReadIndexWait", &l.ReadIndexWait},
		{"Limits.Sessions", &l.Sessions}, {"Limits.SessionRows", &l.SessionRows}, {"Limits.SessionKept", &l.SessionKept},
		{"Limits.ProduceWait", &l.ProduceWait}, {"Limits.FetchWait", &l.FetchWait}, {"Limits.AdminWait", &l.AdminWait},
		{"Limits.GroupWait", &l.GroupWait},
		{"Limits.Producers", &l.Producers}, {"Limits.ProducerKeep", &l.ProducerKeep},
		{"Disk.Unit", &d.Unit}, {"Disk.Read", &d.Read}, {"Disk.Write", &d.Write}, {"Disk.Sync", &d.Sync}, {"Disk.Stall", &d.Stall},
		{"Net.Delay", &n.Delay}, {"Net.Jitter", &n.Jitter}, {"Net.Drop", &n.Drop}, {"Net.Double", &n.Double},
		{"Net.Reorder", &n.Reorder}, {"Net.Split", &n.Split},
		{"Load.Topics", &c.Topics}, {"Load.Partitions", &c.Partitions}, {"Load.Replicas", &c.Replicas},
		{"Load.Appenders", &c.Appenders}, {"Load.Readers", &c.Readers}, {"Load.Tailers", &c.Tailers}, {"Load.Surveyors", &c.Surveyors}, {"Load.Trimmers", &c.Trimmers}, {"Load.Members", &c.Members}, {"Load.Modern", &c.Modern},
		{"Load.Retention", &c.Retention}, {"Load.Depth", &c.Depth}, {"Load.Think", &c.Think}, {"Load.Records", &c.Records},
		{"Load.Bytes", &c.Bytes}, {"Load.Timeout", &c.Timeout}, {"Load.Acks0", &c.Acks0}, {"Load.Burst", &c.Burst}, {"Load.Late", &c.Late}, {"Load.Sharers", &c.Sharers}, {"Load.Racks", &c.Racks}, {"Load.Producers", &c.Producers}, {"Load.Restarts", &c.Restarts},
		{"Load.Switching", &c.Switching}, {"Load.Fleeting", &c.Fleeting}, {"Load.Lives", &c.Lives}, {"Load.Few", &c.Few}, {"Load.FleetingKeeps", &c.FleetingKeeps},
		{"Faults.Every", &o.Faults.Every}, {"Faults.Last", &o.Faults.Last}, {"Faults.Boot", &o.Faults.Boot}, {"Faults.Length", &o.Faults.Length}, {"Faults.Forming", &o.Faults.Forming},
	}
	all = append(all, groupOptions(&l.Groups)...)
	for k := range o.Faults.Weight {
		all = append(all, option{"Faults.Weight." + faultTable[k].name, &o.Faults.Weight[k]})
	}
	return all
}

// groupOptions are those of the coordinators of consumer groups.
func groupOptions(g *group.Config) []option {
	return []option{
		{"Limits.Groups.InitialDelay", &g.InitialDelay}, {"Limits.Groups.MinSession", &g.MinSession}, {"Limits.Groups.MaxSession", &g.MaxSession},
		{"Limits.Groups.NewMemberWait", &g.NewMemberWait}, {"Limits.Groups.Retention", &g.Retention}, {"Limits.Groups.CheckEvery", &g.CheckEvery},
		{"Limits.Groups.MaxSize", &g.MaxSize}, {"Limits.Groups.Members", &g.Members}, {"Limits.Groups.MemberBytes", &g.MemberBytes}, {"Limits.Groups.HeldBytes", &g.HeldBytes},
		{"Limits.Groups.MetadataBytes", &g.MetadataBytes}, {"Limits.Groups.StateBytes", &g.StateBytes}, {"Limits.Groups.Waiting", &g.Waiting},
		{"Limits.Groups.WriteBytes", &g.WriteBytes}, {"Limits.Groups.DeadBytes", &g.DeadBytes},
		{"Limits.Groups.ConsumerSession", &g.ConsumerSession}, {"Limits.Groups.ConsumerHeartbeat", &g.ConsumerHeartbeat},
		{"Limits.Groups.ConsumerMaxSize", &g.ConsumerMaxSize}, {"Limits.Groups.Upgrade", &g.Upgrade}, {"Limits.Groups.Downgrade", &g.Downgrade},
	}
}

func (o option) String() string {
	switch at := o.at.(type) {
	case *int:
		return strconv.Itoa(*at)
	case *int64:
		return strconv.FormatInt(*at, 10)
	case *uint64:
		return strconv.FormatUint(*at, 10)
	case *bool:
		return strconv.FormatBool(*at)
	case *time.Duration:
		return at.String()
	}
	panic(fmt.Sprintf("sim: option %s is a %T", o.name, o.at))
}

// set reads an option's value.
func (o option) set(text string) (err error) {
	switch at := o.at.(type) {
	case *int:
		*at, err = strconv.Atoi(text)
	case *int64:
		*at, err = strconv.ParseInt(text, 10, 64)
	case *uint64:
		*at, err = strconv.ParseUint(text, 10, 64)
	case *bool:
		*at, err = strconv.ParseBool(text)
	case *time.Duration:
		*at, err = time.ParseDuration(text)
	}
	if err != nil {
		err = fmt.Errorf("option %s: %w", o.name, err)
	}
	return err
}

// find finds an option by name.
func (o *Options) find(name string) (option, bool) {
	for _, at := range o.all() {
		if at.name == name {
			return at, true
		}
	}
	return option{}, false
}

// String is every option but the seed and the faults that don't happen, a line for each part of Options, as printed before a run.
func (o *Options) String() string {
	to := *o // all takes addresses
	var b strings.Builder
	part := ""
	for _, at := range to.all() {
		of, name := "", at.name
		if i := strings.LastIndex(name, "."); i >= 0 {
			of, name = name[:i], name[i+1:]
		}
		if name == "Seed" || of == "Faults.Weight" && at.String() == "0" {
			continue
		}
		if of != part {
			fmt.Fprintf(&b, "\n  %s:", of)
			part = of
		}
		fmt.Fprintf(&b, " %s=%v", name, at)
	}
	return strings.TrimPrefix(b.String(), " ")
}

// Lines are the options lines of a story whose world is made from o.
func (o *Options) Lines() []string {
	to := *o
	usual := storyOptions()
	was := usual.all()
	var lines []string
	group := ""
	for i, at := range to.all() {
		if at.String() == was[i].String() {
			continue
		}
		of, _, nested := strings.Cut(at.name, ".")
		if !nested {
			of = ""
		}
		if len(lines) == 0 || of != group {
			lines, group = append(lines, "options"), of
		}
		lines[len(lines)-1] += " " + at.name + "=" + at.String()
	}
	return lines
}

// maxPartitions bounds what a story may ask for, of each topic.
const maxPartitions = 1000

// check refuses options that no world can be made from.
func (o *Options) check() error {
	switch {
	case o.Brokers < 1 || o.Shards < 1 || o.Load.Partitions < 1:
		return fmt.Errorf("options: %d brokers of %d shards, and %d partitions: at least 1 of each", o.Brokers, o.Shards, o.Load.Partitions)
	case o.Brokers > MaxBrokers || o.Shards > MaxShards || o.Load.Partitions > maxPartitions:
		return fmt.Errorf("options: %d brokers of %d shards, and %d partitions: at most %d, %d and %d", o.Brokers, o.Shards, o.Load.Partitions, MaxBrokers, MaxShards, maxPartitions)
	case o.Load.Topics < 1 || o.Load.Topics > len(topicNames):
		return fmt.Errorf("options: %d topics, and there are names for 1 to %d", o.Load.Topics, len(topicNames))
	case o.Load.Fleeting < 0 || o.Load.Fleeting > len(fleetingNames):
		return fmt.Errorf("options: %d fleeting topics, and there are names for %d", o.Load.Fleeting, len(fleetingNames))
	case o.Disk.Unit != sectorSize && o.Disk.Unit != pageSize:
		return fmt.Errorf("options: a disk's unit is %d or %d bytes, not %d", sectorSize, pageSize, o.Disk.Unit)
	case o.Turn < 1 || o.Disk.Read < 1 || o.Disk.Write < 1 || o.Disk.Sync < 1 || o.Load.Timeout < time.Millisecond || o.Limits.Tick < 1:
		return fmt.Errorf("options: some work would take no time: %v", o)
	}
	return cmp.Or(o.Store.Check(), o.within(), o.fits())
}

// maxNumber and maxTime bound each option: more is a slip, and would take all memory, or overflow.
const (
	maxNumber = 1 << 40
	maxTime   = 365 * 24 * time.Hour
)

// within refuses options below zero or beyond all measure.
func (o *Options) within() error {
	for _, at := range o.all() {
		n, most := int64(0), int64(maxNumber)
		switch is := at.at.(type) {
		case *int:
			n = int64(*is)
		case *int64:
			n = *is
		case *time.Duration:
			n, most = int64(*is), int64(maxTime)
		}
		if n < 0 || n > most {
			return fmt.Errorf("option %s is %v: expected 0 to %d", at.name, at, most)
		}
	}
	l := &o.Limits
	for name, n := range map[string]int{ // order: any that is wrong will do
		"ElectionTicks": l.ElectionTicks, "HeartbeatTicks": l.HeartbeatTicks, "TransferTicks": l.TransferTicks, "InflightMessages": l.InflightMessages,
		"MessageBytes": l.MessageBytes, "UncommittedBytes": l.UncommittedBytes,
	} {
		if n < 1 {
			return fmt.Errorf("option Limits.%s is %d: at least 1", name, n)
		}
	}
	switch {
	case l.HeartbeatTicks >= l.ElectionTicks:
		return fmt.Errorf("option Limits.HeartbeatTicks is %d, and Limits.ElectionTicks %d: fewer", l.HeartbeatTicks, l.ElectionTicks)
	case o.Load.Bytes < 1 || o.Load.Records < 1:
		return fmt.Errorf("options Load.Bytes and Load.Records are %d and %d: at least 1 of each", o.Load.Bytes, o.Load.Records)
	}
	return nil
}

// fits refuses options of a record that no drawn world has: what may be uncommitted of all groups must fit the WAL (S10).
func (o *Options) fits() error {
	groups := o.raftGroups()
	if most := log.MaxEntry(o.Store); o.Budget && o.Limits.UncommittedBytes*groups > most {
		return fmt.Errorf("options: %d groups with %d uncommitted bytes each, and the WAL has room for %d (S10)", groups, o.Limits.UncommittedBytes, most)
	}
	return nil
}
