package broker

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"logd/log"
)

// fieldsOf lists what can grow in a type, and in all that it leads to in this package and those below it: each map, slice and heap, as
// Type.field. What another package holds, and what lies behind an interface or a function, is theirs.
func fieldsOf(t reflect.Type, seen map[reflect.Type]bool, found map[string]bool) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
		t = t.Elem()
	}
	switch {
	case t.Kind() == reflect.Map:
		fieldsOf(t.Key(), seen, found)
		fieldsOf(t.Elem(), seen, found)
		return
	case t.Kind() != reflect.Struct || seen[t] || !strings.HasPrefix(t.PkgPath(), reflect.TypeFor[Shard]().PkgPath()):
		return
	}
	seen[t] = true
	if boundedTypes[nameOfType(t)] != "" {
		return
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if k := f.Type.Kind(); k == reflect.Map || k == reflect.Slice {
			found[nameOfType(t)+"."+f.Name] = true
		}
		fieldsOf(f.Type, seen, found)
	}
}

func nameOfType(t reflect.Type) string { return strings.TrimPrefix(t.String(), "broker.") }

// heldFields are counted by [Shard.Holdings], each in the row that it names: put puts one more into it.
var heldFields = map[string]struct {
	row string
	put func(l *lone, p *partition)
}{
	"Shard.conns":        {"connections", func(l *lone, _ *partition) { l.s.conns[99] = &conn{} }},
	"conn.slots":         {"places of responses", func(l *lone, _ *partition) { c := l.s.conns[1]; c.slots = append(c.slots, &slot{}) }},
	"Shard.resumed":      {"connections that are told in this turn to go on or to wait", func(l *lone, _ *partition) { l.s.resumed = append(l.s.resumed, nil) }},
	"Shard.turning":      {"connections that are told in this turn to go on or to wait", func(l *lone, _ *partition) { l.s.turning = append(l.s.turning, nil) }},
	"begun.large":        {"connections with a large unfinished request", func(l *lone, _ *partition) { l.s.begun.large = append(l.s.begun.large, nil) }},
	"Shard.requests":     {"requests", func(l *lone, _ *partition) { l.s.requests[99] = &request{} }},
	"Shard.reads":        {"reads of segments", func(l *lone, _ *partition) { l.s.reads[99] = func(log.ReadDone) {} }},
	"readIndex.asked":    {"read indexes asked for", func(_ *lone, p *partition) { p.reads.asked = append(p.reads.asked, askedRead{}) }},
	"readIndex.waiting":  {"read indexes asked for", func(_ *lone, p *partition) { p.reads.waiting = append(p.reads.waiting, linearizable{}) }},
	"producerIDs.row":    {"calls that wait for a partition or an id", func(l *lone, _ *partition) { l.s.ids.row = append(l.s.ids.row, origin{}) }},
	"partition.watch":    {"calls that wait for a partition or an id", func(_ *lone, p *partition) { p.watch = append(p.watch, watcher{}) }},
	"partition.trims":    {"calls that wait for a partition or an id", func(_ *lone, p *partition) { p.trims = append(p.trims, trimWait{}) }},
	"partition.queue":    {"calls that wait for a partition or an id", func(_ *lone, p *partition) { p.queue = append(p.queue, &proposal{}) }},
	"partition.twins":    {"calls that wait for a partition or an id", func(_ *lone, p *partition) { p.twins = append(p.twins, twin{}) }},
	"scans.rows":         {"searches for timestamps", func(l *lone, _ *partition) { l.s.scans.rows = append(l.s.scans.rows, func() {}) }},
	"Shard.forwards":     {"commands forwarded", func(l *lone, _ *partition) { l.s.forwards[99] = sent{} }},
	"partition.pending":  {"entries proposed", func(_ *lone, p *partition) { p.pending = append(p.pending, &proposal{}) }},
	"coordinator.open":   {"calls of consumer groups", func(_ *lone, p *partition) { p.coord.open[99] = origin{} }},
	"Shard.writes":       {"writes of consumer groups", func(l *lone, _ *partition) { l.s.writes[99] = func(appended) {} }},
	"deadline.Heap.h":    {"deadlines", func(l *lone, _ *partition) { l.s.timers.Set(time.Hour, func() {}) }},
	"fetchSessions.byID": {"fetch sessions", func(l *lone, _ *partition) { l.s.fetches.byID[99] = &fetchSession{} }},
	"fetchSession.rows":  {"partitions of fetch sessions", func(l *lone, _ *partition) { l.s.fetches.byID[98] = &fetchSession{rows: make([]*fetchRow, 1)} }},
	"fetchSession.find": {"partitions of fetch sessions", func(l *lone, _ *partition) {
		l.s.fetches.byID[97] = &fetchSession{find: map[fetchKey]*fetchRow{{}: nil}}
	}},
	"passing.waiting": {"producers turned away", func(_ *lone, p *partition) { p.passing.waiting = map[int64]firstBatch{1: {}} }},
	"outbox.msgs": {"messages for other brokers", func(l *lone, _ *partition) {
		l.s.peers.order = append(l.s.peers.order, 2)
		l.s.peers.out[2] = &outbox{}
		l.s.peers.control(2, control{})
	}},
	"catchup.row":    {"asks of followers that catch up", func(l *lone, _ *partition) { l.s.catchup.row = append(l.s.catchup.row, rangeAsk{}) }},
	"catchup.asking": {"groups that catch up", func(l *lone, _ *partition) { l.s.catchup.asking = append(l.s.catchup.asking, 9) }},
	"Shard.dirty":    {"groups to collect", func(l *lone, p *partition) { l.s.touch(p.group) }},
	"Shard.starved":  {"groups that wait for room to propose", func(l *lone, _ *partition) { l.s.starved = append(l.s.starved, 9) }},
}

// boundedTypes hold nothing for what is under way.
var boundedTypes = map[string]string{
	"Config":         "the process's own, made before it starts",
	"Output":         "the turn's, and the driver's",
	"Meta":           "the cluster's metadata, which have a bound of their own (meta_room.go)",
	"Formation":      "the brokers that a cluster was formed of",
	"GroupView":      "one replica as it is shown",
	"group.table":    "what is committed, bounded by Config.StateBytes",
	"group.classic":  "members, bounded by Config.Members and MemberBytes",
	"group.consumer": "members, bounded by Config.Members, and what is committed",
	"group.Out":      "one call's, made empty before the next",
	"group.write":    "one of Machine.writes, bounded by Config.WriteBytes",
	"group.clocks":   "what its member was asked to give back, which is of its table",
}

// boundedFields are bounded by something else than a row of Holdings.
var boundedFields = map[string]string{
	"Shard.parts":     "the replicas that this shard has",
	"Shard.order":     "the replicas that this shard has",
	"Shard.sorted":    "the replicas that this shard has",
	"Shard.taken":     "empty out of settle",
	"Shard.gone":      "the replicas that the last turn dropped",
	"Shard.spoken":    "one for each listed broker",
	"Shard.forwarded": "one for each directory that a listed broker has had since this start",
	"forwarded.ids":   "forwardedKept",
	"Shard.creating":  "names that were asked for in the last sweepTicks (TestViewForgetsWhatIsGone)",
	"view.leads":      "partitions that there are, but for those of the last sweepTicks (TestViewForgetsWhatIsGone)",
	"tombstones.seen": "state of the store, by tombstoneShare",
	"crowd.groups":    "one for each broker of the metadata",
	"disk.peers":      "one for each listed broker",
	"former.heard":    "one for each listed broker",
	"former.told":     "one for each listed broker",
	"voucher.answers": "one for each listed broker",
	"partition.heard": "one for each listed broker",
	"peers.order":     "one for each listed broker",
	"peers.out":       "one for each listed broker",
	"peers.seen":      "one for each listed broker",
	"peers.strangers": "one for each listed broker",
	"peers.newest":    "one for each directory that a listed broker has had since this start",
	"peers.spoke":     "one for each directory that a listed broker has had since this start",
	"peers.refused":   "100",
	"peers.bufs":      "what stands in the messages for other brokers, which are counted",
	"proposal.data":   "bytes that wait to be proposed, or aren't committed",
	"askedRead.run":   "calls of requests, which are counted",
	"request.parts":   "its partitions",
	"slot.bufs":       "an answer; FetchBytes, GroupsAnswer",

	"group.Machine.groups": "what is committed, and members: Config.StateBytes, Config.Members",
	"group.Machine.open":   "counted by Machine.Holds (TestHolds)",
	"group.Machine.writes": "counted by Machine.Holds (TestHolds)",
	"group.group.queue":    "counted by Machine.Holds (TestHolds)",
	"group.group.clocks":   "one for each member",
	"group.forward.groups": "the machine's groups",
}

// TestWhatIsHeldIsCounted: nothing can grow with what clients ask, in a shard and all that it leads to, that Holdings doesn't count, and
// so no run of the simulator would see leak.
func TestWhatIsHeldIsCounted(t *testing.T) {
	found, seen := map[string]bool{}, map[reflect.Type]bool{}
	fieldsOf(reflect.TypeFor[Shard](), seen, found)
	for _, f := range slices.Sorted(maps.Keys(found)) {
		_, held := heldFields[f]
		if reason := boundedFields[f]; held == (reason != "") {
			t.Errorf("%s: counted %t, bounded by %q: add it to Shard.Holdings and heldFields, or to boundedFields with what bounds it", f, held, reason)
		}
	}
	for _, f := range slices.Sorted(maps.Keys(boundedFields)) {
		if !found[f] {
			t.Errorf("%s is bounded by %s, and isn't there: remove it", f, boundedFields[f])
		}
	}
	for _, n := range slices.Sorted(maps.Keys(boundedTypes)) {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(seen)), func(t reflect.Type) bool { return nameOfType(t) == n }) {
			t.Errorf("type %s is bounded by %s, and a shard leads to none: remove it", n, boundedTypes[n])
		}
	}
	for _, f := range slices.Sorted(maps.Keys(heldFields)) {
		if !found[f] {
			t.Errorf("%s is counted, and isn't there: remove it", f)
		}
	}
	l := startGroups(t)
	p := l.groupsOf("g")
	for _, f := range slices.Sorted(maps.Keys(heldFields)) {
		h := heldFields[f]
		before := l.holds(h.row)
		h.put(l, p)
		if now := l.holds(h.row); now != before+1 {
			t.Errorf("one more in %s: %d %s, before %d", f, now, h.row, before)
		}
	}
}

// holds is one row of what the shard holds.
func (l *lone) holds(row string) int64 {
	l.Helper()
	n, rows := int64(0), 0
	l.s.Holdings(func(h Holding) {
		if h.What == row {
			n, rows = h.Now, rows+1
		}
	})
	if rows != 1 {
		l.Fatal(fmt.Sprintf("%d rows of %q", rows, row))
	}
	return n
}
