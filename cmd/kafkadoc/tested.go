package main

// simulator stands for the clients of cmd/logsim, whose histories the checker judges.
const simulator = "the simulator"

// tested is by which tests an API is tested, beyond its golden and its hostile fields: names of Go tests, or the simulator. A
// test checks that each exists, and that no served API is without.
var tested = map[int16][]string{
	0:  {simulator, "TestKcat", "TestKillLeaders", "TestCheckRecords", "TestRecordsAreHeldToTheTopic", "TestRefusedRecordsOnTheWire", "TestTwins", "TestLeaderHints", "TestLeaderMoves"},
	1:  {simulator, "TestKcat", "TestFollowerFetch", "TestKillLeaders", "TestFetchSession", "TestFetchSessionsMakeRoom", "TestFetchSessionTellsNews", "TestFetchSessionOfATopicMadeAgain", "TestFetchSessionIsFair", "TestEpochs", "TestFollowerKnowsWhatItDoesNotKnow", "TestNobodyServesFromABadDisk", "TestTakeBatches", "TestFetchReadsWhatItHasRoomFor", "TestSlowDiskIsWaitedFor", "TestFetchBeyondTheEnd", "TestLeaderHints", "TestLeaderMoves"},
	2:  {simulator, "TestListOffsetsRules", "TestOnlyAConfirmedLeaderSays", "TestScansMatchTheLog", "TestNewestIsFoundByTheIndex", "TestScansInflateAPieceInATurn", "TestScanEndsWithItsRequest"},
	3:  {simulator, "TestKcat", "TestMetadataTopics", "TestMetadataOfTheCluster", "TestMetadataCreatesBoundedly"},
	8:  {simulator, "TestGroupOfOne", "TestGroupRefusals", "TestGroupsAreCopiedForward", "TestAnswers"},
	9:  {simulator, "TestGroupOfOne", "TestGroupRefusals", "TestAnswers", "TestGroupsAreAnsweredOnce", "TestOffsetsAreFetchedOnce"},
	10: {simulator, "TestGroupOfOne", "TestFindCoordinator"},
	11: {simulator, "TestGroupOfOne", "TestGroupRefusals", "TestMachine", "TestAnswers", "TestStaticMembersOutliveCoordinators", "TestCooperativeKeepsPartitions"},
	12: {simulator, "TestGroupOfOne", "TestCodesOfARebalance", "TestAnswers", "TestStaticMembersOutliveCoordinators"},
	13: {simulator, "TestGroupOfOne", "TestAdministratorRemovesConsumers", "TestAnswers", "TestStaticMembersOutliveCoordinators"},
	14: {simulator, "TestGroupOfOne", "TestMachine", "TestAnswers", "TestStaticMembersOutliveCoordinators"},
	15: {"TestGroupOfOne", "TestAnswers", "TestGroupsAreAnsweredOnce", "TestAnswersOfGroupsAreBounded"},
	16: {"TestGroupOfOne", "TestAnswers"},
	18: {"TestKcat", "TestAPIVersions", "TestUnknownAPIVersionsOnTheWire", "TestUnservedVersions"},
	19: {simulator, "TestCreateTopicsCodes", "TestCreateTopicsTogether", "TestCreateTopicsEchoesConfigs"},
	20: {"TestDeleteTopics", "TestDeleteTopicsByNameBefore6"},
	21: {simulator, "TestDeleteRecords", "TestDeleteRecordsIsDurable"},
	22: {"TestProducerIDs", "TestNoProducerID", "TestProducersSurvive"},
	23: {"TestEpochs", "TestOnlyAConfirmedLeaderSays", "TestEpochIsLookedForWhileRecordsGo", "TestLeaderMoves", "TestPartitionsNamedTwiceAreRefused"},
	32: {"TestDescribeConfigs", "TestGroupSettings"},
	33: {"TestAlterConfigsWhole"},
	35: {"TestDescribeLogDirs", "TestPlacesAgree", "TestReserve", "TestAnswers"},
	42: {"TestGroupOfOne", "TestOtherRequestsAndConsumerGroups"},
	44: {"TestAlterConfigs", "TestAlterConfigsIsBounded", "TestGroupSettings"},
	47: {"TestOtherRequestsAndConsumerGroups", "TestTopicsAreAnsweredOnce", "TestAnswers"},
	60: {"TestDescribeCluster"},
	61: {"TestProducersSurvive", "TestPartitionsNamedTwiceAreRefused"},
	68: {simulator, "TestConsumerGroupModel", "TestSecondMemberGetsWhatTheFirstGaveBack", "TestHeartbeatsThatAreRefused", "TestStaticMember", "TestAnswers"},
	69: {"TestRangeIsAskedFor", "TestOnlineMigration", "TestAnswers", "TestGroupsAreAnsweredOnce"},
	74: {"TestGroupSettings", "TestAnswers"},
	75: {"TestDescribeTopicPartitions", "TestPlacesAgree", "TestAnswers"},
}

func testsOf(key int16) []string { return tested[key] }
