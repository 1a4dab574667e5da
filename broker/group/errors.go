package group

// The Kafka error codes that a coordinator answers with, each with what it means here (Kafka's protocol/Errors.java).
const (
	None int16 = 0

	// The request may be sent again, to whom FindCoordinator names.
	Loading        int16 = 14 // COORDINATOR_LOAD_IN_PROGRESS: the partition is being read
	NotAvailable   int16 = 15 // COORDINATOR_NOT_AVAILABLE: not now: too much waits, or what was written has an unclear outcome
	NotCoordinator int16 = 16 // NOT_COORDINATOR: another broker leads the group's partition

	// A member is told what to do next.
	IllegalGeneration    int16 = 22 // ILLEGAL_GENERATION: join again
	InconsistentProtocol int16 = 23 // INCONSISTENT_GROUP_PROTOCOL: no protocol that all members have
	UnknownMember        int16 = 25 // UNKNOWN_MEMBER_ID: join as a new member
	RebalanceInProgress  int16 = 27 // REBALANCE_IN_PROGRESS: join again, with the same id
	MemberIDRequired     int16 = 79 // MEMBER_ID_REQUIRED: join again, with the id in the answer
	FencedInstance       int16 = 82 // FENCED_INSTANCE_ID: another process has this group.instance.id now
	GroupFull            int16 = 81 // GROUP_MAX_SIZE_REACHED

	// A member of a consumer group (KIP-848) is told what to do next.
	FencedMemberEpoch  int16 = 110 // FENCED_MEMBER_EPOCH: give everything up and join again
	UnreleasedInstance int16 = 111 // UNRELEASED_INSTANCE_ID: another process has this group.instance.id and hasn't left
	StaleMemberEpoch   int16 = 113 // STALE_MEMBER_EPOCH: commit again at the epoch of the next heartbeat

	// A request that is refused as it is.
	UnknownServer         int16 = -1  // UNKNOWN_SERVER_ERROR: what Kafka makes of a group record that is too large
	MetadataTooLarge      int16 = 12  // OFFSET_METADATA_TOO_LARGE
	InvalidGroup          int16 = 24  // INVALID_GROUP_ID
	InvalidSessionTimeout int16 = 26  // INVALID_SESSION_TIMEOUT
	NonEmpty              int16 = 68  // NON_EMPTY_GROUP
	NotFound              int16 = 69  // GROUP_ID_NOT_FOUND
	UnsupportedVersion    int16 = 35  // UNSUPPORTED_VERSION: a member of a consumer group commits by an OffsetCommit before 9
	InvalidRequest        int16 = 42  // INVALID_REQUEST
	Subscribed            int16 = 86  // GROUP_SUBSCRIBED_TO_TOPIC
	UnsupportedAssignor   int16 = 112 // UNSUPPORTED_ASSIGNOR
	InvalidRegex          int16 = 128 // INVALID_REGULAR_EXPRESSION
)
