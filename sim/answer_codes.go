package sim

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/group"
)

// A sound request may be answered with a refusal, whose cause is judged (refusal.go), or with one of these, by the kind of request; what
// they mean is judged where they are read. Any other error code is a broker's mistake: clients give up for good on most of those.

const codeNoSession, codeSessionEpoch = 70, 71

var answerCodes = map[kmsg.Key][]int16{
	kmsg.Produce:              {codeInconsistentTop, codeSequence, codeProducerEpoch, codeUnsupportedByLog, codeBadTimestamp},
	kmsg.Fetch:                {codeOutOfRange, codeInconsistentTop, codeNoSession, codeSessionEpoch, codeFencedEpoch, codeUnknownEpoch},
	kmsg.ListOffsets:          {codeFencedEpoch, codeUnknownEpoch},
	kmsg.OffsetForLeaderEpoch: {codeFencedEpoch, codeUnknownEpoch},
	kmsg.InitProducerID:       {codeLoading},
	kmsg.CreateTopics:         {codeTopicExists},
}

// groupCodes are what else a request of a group may be answered with (KIP-62, KIP-345, KIP-848).
var groupCodes = []int16{
	group.IllegalGeneration, group.InconsistentProtocol, group.UnknownMember, group.RebalanceInProgress, group.MemberIDRequired, group.FencedInstance,
	group.GroupFull, group.FencedMemberEpoch, group.UnreleasedInstance, group.StaleMemberEpoch, group.NotFound, group.UnsupportedVersion,
}

// foreign judges a code that a sound request isn't answered with.
func (w *World) foreign(k *call) {
	switch {
	case k.code == codeNone || refusalCodes[k.code] != "" || slices.Contains(answerCodes[kmsg.Key(k.key)], k.code):
	case k.group != "" && (coordinatorCodes[k.code] != "" || slices.Contains(groupCodes, k.code)):
	default:
		w.violate(BadResponse, "broker %d answers error %d to a sound %s", k.line.node+1, k.code, kept(kmsg.NameForKey(k.key)))
	}
}
