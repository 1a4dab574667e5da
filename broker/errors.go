package broker

import "fmt"

// The Kafka error codes that a broker answers with, each with what it means here. The numbers are Kafka's (its
// protocol/Errors.java). "Retriable" says that clients try again by themselves, "refresh" that they ask for Metadata first.
const (
	errNone int16 = 0

	// Nothing was proposed (a refusal that proves it), retriable: refresh.
	errUnknownTopic  int16 = 3   // UNKNOWN_TOPIC_OR_PARTITION: no such name or partition number, as far as this broker has applied
	errNoLeader      int16 = 5   // LEADER_NOT_AVAILABLE: no leader known, or its address isn't; a topic that is being created
	errNotLeader     int16 = 6   // NOT_LEADER_OR_FOLLOWER: not proposed (design.md, section 3); never after a proposal
	errNotEnough     int16 = 19  // NOT_ENOUGH_REPLICAS: too much is uncommitted, or the disk is behind; not proposed, retriable
	errNotController int16 = 41  // NOT_CONTROLLER: not the leader of the metadata group; not proposed
	errUnknownID     int16 = 100 // UNKNOWN_TOPIC_ID: no topic has this id, or none any more

	// The outcome is unclear: it may have been proposed, and may still commit.
	errTimedOut       int16 = 7  // REQUEST_TIMED_OUT: the deadline passed while a proposal was on its way
	errNotEnoughAfter int16 = 20 // NOT_ENOUGH_REPLICAS_AFTER_APPEND: leadership was lost while a proposal was on its way

	// Reads (S13).
	errOffsetRange     int16 = 1   // OFFSET_OUT_OF_RANGE: below the log start; beyond the end only after a read index
	errOffsetNotYet    int16 = 78  // OFFSET_NOT_AVAILABLE: beyond what this replica can vouch for; retriable
	errFencedEpoch     int16 = 74  // FENCED_LEADER_EPOCH: the client's epoch is older than ours: refresh
	errUnknownEpoch    int16 = 75  // UNKNOWN_LEADER_EPOCH: the client's epoch is newer than ours; retriable
	errNoSession       int16 = 70  // FETCH_SESSION_ID_NOT_FOUND: it ended, made room, or is another shard's; the client begins anew
	errBadSessionEpoch int16 = 71  // INVALID_FETCH_SESSION_EPOCH: not the next one of its session
	errSessionTopicID  int16 = 106 // FETCH_SESSION_TOPIC_ID_ERROR: a session of names is asked for ids, or the other way round
	errStorage         int16 = 56  // KAFKA_STORAGE_ERROR: this replica can't read its own bytes (G10); retriable

	// Produced records that are refused, not retriable (but CORRUPT_MESSAGE is: the bytes changed on their way).
	errCorrupt          int16 = 2  // CORRUPT_MESSAGE: size or magic make no sense, or the CRC is wrong
	errTooLarge         int16 = 10 // MESSAGE_TOO_LARGE: over max.message.bytes
	errListTooLarge     int16 = 18 // RECORD_LIST_TOO_LARGE: doesn't fit into a segment
	errBadAcks          int16 = 21 // INVALID_REQUIRED_ACKS: not -1, 0 or 1
	errBadTimestamp     int16 = 32 // INVALID_TIMESTAMP: a producer said LogAppendTime
	errBadTxnState      int16 = 48 // INVALID_TXN_STATE: "Record was not part of an ongoing transaction" (UnifiedLog): there are none
	errBadCompression   int16 = 76 // UNSUPPORTED_COMPRESSION_TYPE: unknown codec, or zstd before Produce 7
	errUnsupportedByLog int16 = 43 // UNSUPPORTED_FOR_MESSAGE_FORMAT: producer ids, while a broker doesn't know them: LogValidator.validateBatch's answer of a log that keeps no producer state
	errSequence         int16 = 45 // OUT_OF_ORDER_SEQUENCE_NUMBER: records of this producer are missing before these, or these are older than what is remembered
	errProducerEpoch    int16 = 47 // INVALID_PRODUCER_EPOCH: the producer has a newer epoch by now
	errBadRecord        int16 = 87 // INVALID_RECORD: anything else that LogValidator or ProduceRequest.validateRecords refuses

	// Topics and the cluster.
	errBadTopic       int16 = 17 // INVALID_TOPIC_EXCEPTION: a name against the rules, or one that collides ('.' and '_')
	errExists         int16 = 36 // TOPIC_ALREADY_EXISTS
	errBadPartitions  int16 = 37 // INVALID_PARTITIONS
	errBadReplication int16 = 38 // INVALID_REPLICATION_FACTOR: not positive, or more than there are brokers
	errBadAssignment  int16 = 39 // INVALID_REPLICA_ASSIGNMENT
	errBadConfig      int16 = 40 // INVALID_CONFIG: unknown name, null, or a value out of range
	errPolicy         int16 = 44 // POLICY_VIOLATION: over a bound of the cluster, as Kafka for too many records in one operation

	// Requests.
	errLoading     int16 = 14 // COORDINATOR_LOAD_IN_PROGRESS: no producer ids at this time; retriable
	errUnsupported int16 = 35 // UNSUPPORTED_VERSION
	errBadRequest  int16 = 42 // INVALID_REQUEST

	// Brokers among themselves; clients never see these.
	errStaleBroker     int16 = 77  // STALE_BROKER_EPOCH: another incarnation is on record (S7)
	errUnknownBroker   int16 = 102 // BROKER_ID_NOT_REGISTERED
	errOtherCluster    int16 = 104 // INCONSISTENT_CLUSTER_ID: this group has formed already, or hasn't yet
	errMismatchedPoint int16 = 114 // MISMATCHED_ENDPOINT_TYPE: controllers were asked for, this is a broker
	errBadEndpoint     int16 = 115 // UNSUPPORTED_ENDPOINT_TYPE
)

// refusal is a Kafka error code and why; its zero value is none.
type refusal struct {
	code    int16
	message string
}

func (r refusal) is() bool { return r.code != errNone }

// refuse makes a refusal.
func refuse(code int16, format string, args ...any) refusal {
	return refusal{code: code, message: fmt.Sprintf(format, args...)}
}

// messageOf is how a message goes into a response: none is null.
func messageOf(code int16, message string) *string {
	if code == errNone || message == "" {
		return nil
	}
	return &message
}
