package main

// simulator stands for the clients of cmd/logsim, whose histories the checker judges.
const simulator = "the simulator"

// tested is by which tests an API is tested, beyond its golden and its fuzzing: names of Go tests, or the simulator. A test
// checks that each exists, and that no served API is without.
var tested = map[int16][]string{
	0:  {simulator, "TestProduceAndFetch", "TestKcat", "TestCheckRecords"},
	1:  {simulator, "TestProduceAndFetch", "TestFetchSession", "TestEpochs", "TestLeaderHints"},
	2:  {simulator, "TestProduceAndFetch"},
	3:  {simulator, "TestMetadata"},
	18: {"TestAPIVersions", "TestUnknownAPIVersionsOnTheWire"},
}

func testsOf(key int16) []string { return tested[key] }
