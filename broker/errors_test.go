package broker

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
)

// The numbers are written by hand; franz-go has Kafka's names for them.
func TestErrorCodesAreKafkas(t *testing.T) {
	for code, name := range map[int16]string{
		errUnknownTopic: "UNKNOWN_TOPIC_OR_PARTITION", errNoLeader: "LEADER_NOT_AVAILABLE", errNotLeader: "NOT_LEADER_FOR_PARTITION",
		errNotEnough: "NOT_ENOUGH_REPLICAS", errNotController: "NOT_CONTROLLER", errUnknownID: "UNKNOWN_TOPIC_ID",
		errTimedOut: "REQUEST_TIMED_OUT", errNotEnoughAfter: "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
		errOffsetRange: "OFFSET_OUT_OF_RANGE", errOffsetNotYet: "OFFSET_NOT_AVAILABLE", errFencedEpoch: "FENCED_LEADER_EPOCH",
		errUnknownEpoch: "UNKNOWN_LEADER_EPOCH", errNoSession: "FETCH_SESSION_ID_NOT_FOUND",
		errStorage: "KAFKA_STORAGE_ERROR", errUnsupportedByLog: "UNSUPPORTED_FOR_MESSAGE_FORMAT", errCorrupt: "CORRUPT_MESSAGE",
		errTooLarge: "MESSAGE_TOO_LARGE", errListTooLarge: "RECORD_LIST_TOO_LARGE", errBadAcks: "INVALID_REQUIRED_ACKS",
		errBadTimestamp: "INVALID_TIMESTAMP", errBadTxnState: "INVALID_TXN_STATE", errBadCompression: "UNSUPPORTED_COMPRESSION_TYPE",
		errBadRecord: "INVALID_RECORD", errBadTopic: "INVALID_TOPIC_EXCEPTION",
		errExists: "TOPIC_ALREADY_EXISTS", errBadPartitions: "INVALID_PARTITIONS", errBadReplication: "INVALID_REPLICATION_FACTOR",
		errBadAssignment: "INVALID_REPLICA_ASSIGNMENT", errBadConfig: "INVALID_CONFIG", errPolicy: "POLICY_VIOLATION",
		errUnsupported: "UNSUPPORTED_VERSION", errBadRequest: "INVALID_REQUEST",
		errStaleBroker: "STALE_BROKER_EPOCH", errUnknownBroker: "BROKER_ID_NOT_REGISTERED", errOtherCluster: "INCONSISTENT_CLUSTER_ID",
		errMismatchedPoint: "MISMATCHED_ENDPOINT_TYPE", errBadEndpoint: "UNSUPPORTED_ENDPOINT_TYPE",
	} {
		var e *kerr.Error
		if !errors.As(kerr.ErrorForCode(code), &e) || e.Message != name {
			t.Errorf("code %d is %v, expected %s", code, e, name)
		}
	}
}
