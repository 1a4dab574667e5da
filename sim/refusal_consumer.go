package sim

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/group"
)

// What is asked of consumer groups is judged as all else is (refusal.go), by the group of raft that keeps them: a partition of
// __consumer_offsets. Its leader is the coordinator. One that has been well, and near a majority, for some election timeouts has read the
// partition (that is bounded: each read takes a turn and the time of a disk), and serves.

// coordinatorCodes say where a coordinator stands, not what is wrong with a request.
var coordinatorCodes = map[int16]string{
	group.Loading: "COORDINATOR_LOAD_IN_PROGRESS", group.NotAvailable: "COORDINATOR_NOT_AVAILABLE", group.NotCoordinator: "NOT_COORDINATOR",
	codeUnknownTopic: "UNKNOWN_TOPIC_OR_PARTITION",
}

// unsoundCodes are for requests that no client of the simulator sends, or of which a group holds no more than its clients could have made.
var unsoundCodes = map[int16]string{
	group.UnknownServer: "UNKNOWN_SERVER_ERROR", group.MetadataTooLarge: "OFFSET_METADATA_TOO_LARGE", group.InvalidGroup: "INVALID_GROUP_ID",
	group.InvalidSessionTimeout: "INVALID_SESSION_TIMEOUT", group.InvalidCommit: "INVALID_COMMIT_OFFSET_SIZE", group.NonEmpty: "NON_EMPTY_GROUP",
	group.InvalidRequest: "INVALID_REQUEST", group.Subscribed: "GROUP_SUBSCRIBED_TO_TOPIC", group.UnsupportedAssignor: "UNSUPPORTED_ASSIGNOR",
	group.InvalidRegex: "INVALID_REGULAR_EXPRESSION",
}

// keptIn is the group of raft that keeps a consumer group, nil if it wasn't seen yet.
func (w *World) keptIn(id string) *groupSeen {
	name := fmt.Sprintf("%s/%d", "__consumer_offsets", group.PartitionFor(id, offsetsPartitions))
	for _, g := range w.views.groups {
		if g.part == partGroups && g.name == name {
			return g
		}
	}
	return nil
}

// refusedByGroup judges what a coordinator's answer says, or FindCoordinator's.
func (w *World) refusedByGroup(k *call) {
	if what := unsoundCodes[k.code]; what != "" {
		w.violate(BadResponse, "broker %d answers %s to a sound %s of %s", k.line.node+1, kept(what), kept(kmsg.NameForKey(k.key)), k.group)
	}
	if what := coordinatorCodes[k.code]; what != "" {
		w.refusedCoordinator(k, k.code, "answers "+what)
	}
}

// refusedCoordinator judges a call that a coordinator didn't take.
func (w *World) refusedCoordinator(k *call, code int16, what string) {
	if k.about = w.keptIn(k.group); k.about == nil && w.groupsWanted > 0 && k.sent > w.groupsWanted+tellsWithin {
		k.about = w.groupOfPart(partMetadata) // which is to make the topic when somebody first looks for a coordinator
	}
	if _, proof := w.causeOf(k, code); proof == "" && k.key == int16(kmsg.FindCoordinator) && !w.nodes[k.line.node].knowsGroups(k.sent) {
		k.about = cmp.Or(w.groupOfPart(partMetadata), k.about) // it has started anew, and the metadata's leader is to tell it that there is a coordinator
	}
	w.refused(k, code, what)
}

// learnsGroups notes that a broker has heard of the topic that consumer groups are kept in. Any replica of the topic that was seen is there
// because the metadata that were committed by then say so.
func (w *World) learnsGroups(n *node, commit uint64) {
	if w.groupsMade == 0 && slices.ContainsFunc(w.views.groups, func(g *groupSeen) bool { return g.part == partGroups }) {
		w.groupsMade = w.groupOfPart(partMetadata).commit
	}
	if w.groupsMade > 0 && commit >= w.groupsMade && !n.knowsGroups(w.now) {
		n.groups = w.now
	}
}

// knowsGroups tells whether the process that runs knew then of the topic that consumer groups are kept in.
func (n *node) knowsGroups(then time.Duration) bool {
	return n.proc != nil && n.groups > n.proc.started && n.groups <= then
}
