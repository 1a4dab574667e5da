package broker

import (
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// API is one row of the table: an API of Kafka 4.1, and what of it is answered here.
type API struct {
	Key                int16
	Name               string // as Kafka's message schemas have it
	KafkaMin, KafkaMax int16  // what a Kafka 4.1 broker answers its clients; none if KafkaMax is below KafkaMin
	Min, Max           int16  // what is answered here; none if Max is below Min
	Named              int16  // the lowest version that ApiVersions names: below Min only where Kafka lies too
	Left               string // why it isn't served, or not to clients; empty if it is
}

// Served reports whether it is decoded and answered.
func (a API) Served() bool { return a.Left == "" }

// ForClients reports whether Kafka 4.1's brokers name it to clients.
func (a API) ForClients() bool { return a.KafkaMin <= a.KafkaMax }

// APIs is the whole table, by key.
func APIs() []API { return slices.Clone(apis) }

// Feature is a feature of a cluster (KIP-584). Naming it as finalized obliges every broker to what it stands for.
type Feature struct {
	Name      string
	Min, Max  int16 // supported
	Finalized int16 // 0: not
}

// Features are those that ApiVersions names, by name.
func Features() []Feature { return slices.Clone(features) }

// features has transaction.version not in it: Produce of version 12 would have to add partitions to transactions (KIP-890).
var features = []Feature{
	{Name: "group.version", Min: 0, Max: 1, Finalized: 1}, // 1: consumer groups (KIP-848)
}

// noVersion is both bounds of an API that Kafka's brokers don't name to clients: no range holds it.
const noVersion = int16(-1)

const (
	whyACLs         = "there are no access control lists yet"
	whyAdmin        = "an administrator's API, not there yet"
	whyInside       = "between Kafka's own brokers and controllers; no client sends it"
	whyQuorum       = "changes Kafka's controller quorum; the metadata group here has all brokers"
	whyQuotas       = "there are no quotas yet"
	whySASL         = "there is no authentication yet"
	whyShare        = "there are no share groups"
	whyTelemetry    = "client metrics are not collected; clients do without when it is not named"
	whyTokens       = "there are no delegation tokens"
	whyTransactions = "there are no transactions yet"
)

// apis is Kafka 4.1's table (its message schemas' validVersions), whole: the row of a key stands at that key. It alone says
// what is named, decoded and documented. An API that is served is served up to Kafka's highest version; versions below Kafka's
// own lower bounds are free to keep and help old clients.
//
// Produce is named from 0 though 0 to 2 are refused, as Kafka 4 does (KAFKA-18659): librdkafka before 2.11.1 takes a
// higher lower bound for a broker without gzip, snappy and lz4, and silently sends uncompressed.
var apis = []API{
	serves(keyProduce, "Produce", 3, 13).named(0),
	serves(keyFetch, "Fetch", 4, 18),
	serves(keyListOffsets, "ListOffsets", 1, 10).from(0),
	serves(keyMetadata, "Metadata", 0, 13),
	inside(4, "LeaderAndIsr"),
	inside(5, "StopReplica"),
	inside(6, "UpdateMetadata"),
	inside(7, "ControlledShutdown"),
	serves(keyOffsetCommit, "OffsetCommit", 2, 9),
	serves(keyOffsetFetch, "OffsetFetch", 1, 9),
	serves(keyFindCoordinator, "FindCoordinator", 0, 6),
	serves(keyJoinGroup, "JoinGroup", 0, 9),
	serves(keyHeartbeat, "Heartbeat", 0, 4),
	serves(keyLeaveGroup, "LeaveGroup", 0, 5),
	serves(keySyncGroup, "SyncGroup", 0, 5),
	serves(keyDescribeGroups, "DescribeGroups", 0, 6),
	serves(keyListGroups, "ListGroups", 0, 5),
	leaves(17, "SaslHandshake", 0, 1, whySASL),
	serves(keyAPIVersions, "ApiVersions", 0, 4),
	serves(keyCreateTopics, "CreateTopics", 2, 7).from(0),
	serves(keyDeleteTopics, "DeleteTopics", 1, 6).from(0),
	serves(keyDeleteRecords, "DeleteRecords", 0, 2),
	serves(keyInitProducerID, "InitProducerId", 0, 5),
	serves(keyOffsetForLeaderEpoch, "OffsetForLeaderEpoch", 2, 4),
	leaves(24, "AddPartitionsToTxn", 0, 5, whyTransactions),
	leaves(25, "AddOffsetsToTxn", 0, 4, whyTransactions),
	leaves(26, "EndTxn", 0, 5, whyTransactions),
	leaves(27, "WriteTxnMarkers", 1, 1, whyTransactions),
	leaves(28, "TxnOffsetCommit", 0, 5, whyTransactions),
	leaves(29, "DescribeAcls", 1, 3, whyACLs),
	leaves(30, "CreateAcls", 1, 3, whyACLs),
	leaves(31, "DeleteAcls", 1, 3, whyACLs),
	serves(keyDescribeConfigs, "DescribeConfigs", 1, 4).from(0),
	serves(keyAlterConfigs, "AlterConfigs", 0, 2),
	leaves(34, "AlterReplicaLogDirs", 1, 2, "a broker has one data directory; replicas move between brokers, not between disks"),
	serves(keyDescribeLogDirs, "DescribeLogDirs", 1, 4),
	leaves(36, "SaslAuthenticate", 0, 2, whySASL),
	leaves(37, "CreatePartitions", 0, 3, whyAdmin),
	leaves(38, "CreateDelegationToken", 1, 3, whyTokens),
	leaves(39, "RenewDelegationToken", 1, 2, whyTokens),
	leaves(40, "ExpireDelegationToken", 1, 2, whyTokens),
	leaves(41, "DescribeDelegationToken", 1, 3, whyTokens),
	serves(keyDeleteGroups, "DeleteGroups", 0, 2),
	leaves(43, "ElectLeaders", 0, 2, whyAdmin),
	serves(keyIncrementalAlterConfigs, "IncrementalAlterConfigs", 0, 1),
	leaves(45, "AlterPartitionReassignments", 0, 1, whyAdmin),
	leaves(46, "ListPartitionReassignments", 0, 0, whyAdmin),
	serves(keyOffsetDelete, "OffsetDelete", 0, 0),
	leaves(48, "DescribeClientQuotas", 0, 1, whyQuotas),
	leaves(49, "AlterClientQuotas", 0, 1, whyQuotas),
	leaves(50, "DescribeUserScramCredentials", 0, 0, whySASL),
	leaves(51, "AlterUserScramCredentials", 0, 0, whySASL),
	inside(52, "Vote"),
	inside(53, "BeginQuorumEpoch"),
	inside(54, "EndQuorumEpoch"),
	leaves(55, "DescribeQuorum", 0, 2, whyAdmin),
	inside(56, "AlterPartition"),
	leaves(57, "UpdateFeatures", 0, 2, whyAdmin),
	inside(58, "Envelope"),
	inside(59, "FetchSnapshot"),
	serves(keyDescribeCluster, "DescribeCluster", 0, 2),
	serves(keyDescribeProducers, "DescribeProducers", 0, 0),
	inside(62, "BrokerRegistration"),
	inside(63, "BrokerHeartbeat"),
	leaves(64, "UnregisterBroker", 0, 0, whyAdmin),
	leaves(65, "DescribeTransactions", 0, 0, whyTransactions),
	leaves(66, "ListTransactions", 0, 2, whyTransactions),
	inside(67, "AllocateProducerIds"),
	serves(keyConsumerGroupHeartbeat, "ConsumerGroupHeartbeat", 0, 1),
	serves(keyConsumerGroupDescribe, "ConsumerGroupDescribe", 0, 1),
	inside(70, "ControllerRegistration"),
	leaves(71, "GetTelemetrySubscriptions", 0, 0, whyTelemetry),
	leaves(72, "PushTelemetry", 0, 0, whyTelemetry),
	inside(73, "AssignReplicasToDirs"),
	serves(keyListConfigResources, "ListConfigResources", 0, 1),
	serves(keyDescribeTopicPartitions, "DescribeTopicPartitions", 0, 0),
	leaves(76, "ShareGroupHeartbeat", 1, 1, whyShare),
	leaves(77, "ShareGroupDescribe", 1, 1, whyShare),
	leaves(78, "ShareFetch", 1, 1, whyShare),
	leaves(79, "ShareAcknowledge", 1, 1, whyShare),
	leaves(80, "AddRaftVoter", 0, 0, whyQuorum),
	leaves(81, "RemoveRaftVoter", 0, 0, whyQuorum),
	inside(82, "UpdateRaftVoter"),
	leaves(83, "InitializeShareGroupState", 0, 0, whyShare),
	leaves(84, "ReadShareGroupState", 0, 0, whyShare),
	leaves(85, "WriteShareGroupState", 0, 0, whyShare),
	leaves(86, "DeleteShareGroupState", 0, 0, whyShare),
	leaves(87, "ReadShareGroupStateSummary", 0, 0, whyShare),
	leaves(88, "StreamsGroupHeartbeat", noVersion, noVersion, "early access in Kafka 4.1, which names it only with unstable versions enabled"),
	leaves(89, "StreamsGroupDescribe", noVersion, noVersion, "early access in Kafka 4.1, which names it only with unstable versions enabled"),
	leaves(90, "DescribeShareGroupOffsets", 0, 0, whyShare),
	leaves(91, "AlterShareGroupOffsets", 0, 0, whyShare),
	leaves(92, "DeleteShareGroupOffsets", 0, 0, whyShare),
}

// The keys of the APIs that have something to do here.
const (
	keyProduce                 = int16(kmsg.Produce)
	keyFetch                   = int16(kmsg.Fetch)
	keyListOffsets             = int16(kmsg.ListOffsets)
	keyMetadata                = int16(kmsg.Metadata)
	keyOffsetCommit            = int16(kmsg.OffsetCommit)
	keyOffsetFetch             = int16(kmsg.OffsetFetch)
	keyFindCoordinator         = int16(kmsg.FindCoordinator)
	keyJoinGroup               = int16(kmsg.JoinGroup)
	keyHeartbeat               = int16(kmsg.Heartbeat)
	keyLeaveGroup              = int16(kmsg.LeaveGroup)
	keySyncGroup               = int16(kmsg.SyncGroup)
	keyDescribeGroups          = int16(kmsg.DescribeGroups)
	keyListGroups              = int16(kmsg.ListGroups)
	keyAPIVersions             = int16(kmsg.ApiVersions)
	keyCreateTopics            = int16(kmsg.CreateTopics)
	keyDeleteTopics            = int16(kmsg.DeleteTopics)
	keyDeleteRecords           = int16(kmsg.DeleteRecords)
	keyInitProducerID          = int16(kmsg.InitProducerID)
	keyOffsetForLeaderEpoch    = int16(kmsg.OffsetForLeaderEpoch)
	keyDescribeConfigs         = int16(kmsg.DescribeConfigs)
	keyAlterConfigs            = int16(kmsg.AlterConfigs)
	keyDescribeLogDirs         = int16(kmsg.DescribeLogDirs)
	keyDeleteGroups            = int16(kmsg.DeleteGroups)
	keyIncrementalAlterConfigs = int16(kmsg.IncrementalAlterConfigs)
	keyOffsetDelete            = int16(kmsg.OffsetDelete)
	keyDescribeCluster         = int16(kmsg.DescribeCluster)
	keyDescribeProducers       = int16(kmsg.DescribeProducers)
	keyConsumerGroupHeartbeat  = int16(kmsg.ConsumerGroupHeartbeat)
	keyConsumerGroupDescribe   = int16(kmsg.ConsumerGroupDescribe)
	keyListConfigResources     = int16(kmsg.ListConfigResources)
	keyDescribeTopicPartitions = int16(kmsg.DescribeTopicPartitions)
)

// serves is the row of an API that is answered in all versions of Kafka 4.1.
func serves(key int16, name string, min, max int16) API {
	return API{Key: key, Name: name, KafkaMin: min, KafkaMax: max, Min: min, Max: max, Named: min}
}

// from has more old versions answered than Kafka does.
func (a API) from(min int16) API {
	a.Min, a.Named = min, min
	return a
}

// named has ApiVersions name more old versions than are answered.
func (a API) named(min int16) API {
	a.Named = min
	return a
}

// leaves is the row of an API that is not served.
func leaves(key int16, name string, min, max int16, why string) API {
	a := API{Key: key, Name: name, KafkaMin: min, KafkaMax: max, Min: noVersion, Max: noVersion - 1, Named: noVersion, Left: why}
	if min == noVersion {
		a.KafkaMax--
	}
	return a
}

// inside is the row of an API that isn't for clients.
func inside(key int16, name string) API { return leaves(key, name, noVersion, noVersion, whyInside) }

// served returns the versions of an API that are decoded and answered; ok is false if none is. A request of any other
// version closes its connection, as Kafka does, but for ApiVersions.
func served(key int16) (min, max int16, ok bool) {
	if key < 0 || int(key) >= len(apis) {
		return 0, 0, false
	}
	a := apis[key]
	if a.Key != key {
		panic(fmt.Sprintf("broker: the row of API %d stands at %d", a.Key, key))
	}
	return a.Min, a.Max, a.Served()
}
