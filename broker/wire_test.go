package broker

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"logd/golden"
	"logd/transport"
)

// The table is Kafka 4.1's, whole; what is served of it has lower bounds at or below Kafka's own.
func TestTableIsKafka41(t *testing.T) {
	kafka := kversion.V4_1_0()
	for i, a := range apis {
		max, ok := kafka.LookupMaxKeyVersion(a.Key)
		if a.Key != int16(i) || ok != a.ForClients() || ok && max != a.KafkaMax || a.Name == "" {
			t.Errorf("row %d: %+v, Kafka 4.1 goes to %d, %t", i, a, max, ok)
		}
		if r := kmsg.RequestForKey(a.Key); r == nil || r.MaxVersion() < a.KafkaMax {
			t.Errorf("%s: kmsg has %v", a.Name, r)
		}
		min, max, ok := served(a.Key)
		switch {
		case !ok && (a.Served() || a.Min <= a.Max):
			t.Errorf("served says no, the table %+v", a)
		case ok && (min != a.Min || max != a.Max || max != a.KafkaMax || min > a.KafkaMin || a.Named > a.Min):
			t.Errorf("%s: served says %d to %d, the table %+v", a.Name, min, max, a)
		case ok && a.Named != a.Min && a.Key != keyProduce:
			t.Errorf("%s is named from %d and served from %d", a.Name, a.Named, a.Min)
		}
	}
	for key := int16(0); key < math.MaxInt16; key++ {
		if _, ok := kafka.LookupMaxKeyVersion(key); ok && int(key) >= len(apis) {
			t.Errorf("the table ends at %d, Kafka 4.1 has API %d", len(apis), key)
		}
	}
	for _, key := range []int16{math.MinInt16, -1, 4, 100, math.MaxInt16} {
		if _, _, ok := served(key); ok {
			t.Errorf("%d is served", key)
		}
	}
}

// servedAPIs are the rows of what is served.
func servedAPIs() []API { return slices.DeleteFunc(APIs(), func(a API) bool { return !a.Served() }) }

func TestAPIVersions(t *testing.T) {
	in := func(version int16, name, software string) transport.Request {
		req := &kmsg.ApiVersionsRequest{Version: version, ClientSoftwareName: name, ClientSoftwareVersion: software}
		return transport.Request{Key: keyAPIVersions, Version: version, Body: req, Unsupported: version > 4}
	}
	for _, c := range []struct {
		in   transport.Request
		code int16
		keys int
	}{
		{in(0, "", ""), 0, len(servedAPIs())},
		{in(2, "", ""), 0, len(servedAPIs())},
		{in(3, "apache-kafka-java", "4.1.0"), 0, len(servedAPIs())},
		{in(4, "kgo", "v1.22.2"), 0, len(servedAPIs())},
		{in(3, "", "1"), errBadRequest, 0},
		{in(3, "a b", "1"), errBadRequest, 0},
		{in(3, "a", "-1"), errBadRequest, 0},
		{in(3, "a.", "1"), errBadRequest, 0},
		{in(5, "", ""), errUnsupported, 1},
		{in(32767, "", ""), errUnsupported, 1},
	} {
		resp := answerAPIVersions(c.in)
		version := c.in.Version
		if c.in.Unsupported {
			version = 0
		}
		if resp.ErrorCode != c.code || len(resp.ApiKeys) != c.keys || resp.Version != version || resp.Version >= 3 && !finalizes(resp, c.code == errNone) {
			t.Errorf("v%d: %+v, expected code %d and %d keys", c.in.Version, resp, c.code, c.keys)
		}
	}
	if resp := apiVersionsResponse(0); resp.ApiKeys[0].ApiKey != keyProduce || resp.ApiKeys[0].MinVersion != 0 {
		t.Errorf("Produce is named from %d: librdkafka before 2.11.1 would silently not compress", resp.ApiKeys[0].MinVersion)
	}
}

// finalizes says whether group.version is finalized at 1, alone, or nothing is.
func finalizes(resp *kmsg.ApiVersionsResponse, group bool) bool {
	f := resp.FinalizedFeatures
	if !group {
		return len(f) == 0 && resp.FinalizedFeaturesEpoch == -1
	}
	return len(f) == 1 && f[0].Name == "group.version" && f[0].MinVersionLevel == 1 && f[0].MaxVersionLevel == 1 && resp.FinalizedFeaturesEpoch == 0
}

// Each served version of each API has an example, which reads back from its bytes, alone and in a frame, and the bytes are
// those of the golden; where a broker's answer is a function of metadata, it is that function's answer to the example.
func TestWireGolden(t *testing.T) {
	var text strings.Builder
	for _, a := range servedAPIs() {
		for version := a.Min; version <= a.Max; version++ {
			req, resp := example(t, a.Key, version)
			name := fmt.Sprintf("%s v%d", kmsg.NameForKey(a.Key), version)
			body := req.AppendTo(nil)
			frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("me")).AppendRequest(nil, req, 7)
			in, err := transport.ParseRequest(frame[4:], served)
			if err != nil || in.Version != version || in.Corr != 7 || in.ClientID != "me" || !bytes.Equal(in.Body.AppendTo(nil), body) {
				t.Errorf("%s in a frame: %+v, %v", name, in, err)
			}
			out := resp.AppendTo(nil)
			back := kmsg.ResponseForKey(a.Key)
			back.SetVersion(version)
			if err := back.ReadFrom(out); err != nil || !bytes.Equal(back.AppendTo(nil), out) {
				t.Errorf("response of %s: %+v, %v", name, back, err)
			}
			fmt.Fprintf(&text, "%s request %x\n%s response %x\n", name, body, name, out)
		}
	}
	golden.Same(t, "testdata/wire.golden", []byte(text.String()))
}

// example returns a request with something in every field that the version has, and an answer.
func example(t *testing.T, key, version int16) (kmsg.Request, kmsg.Response) {
	m := withTopics(t)
	var req kmsg.Request
	var resp kmsg.Response
	switch key {
	case keyAPIVersions:
		r := &kmsg.ApiVersionsRequest{Version: version, ClientSoftwareName: "me", ClientSoftwareVersion: "1.0"}
		req, resp = r, answerAPIVersions(transport.Request{Version: version, Body: r})
	case keyMetadata:
		r := metadataRequest(version, true, "a", "x")
		r.IncludeClusterAuthorizedOperations, r.IncludeTopicAuthorizedOperations = true, true
		if version >= 12 {
			r.Topics[1] = kmsg.MetadataRequestTopic{TopicID: id(2)}
		}
		answer, _ := answerMetadata(r, m, led, testDefaults, testRand())
		req, resp = r, answer
	case keyCreateTopics:
		r := kmsg.NewPtrCreateTopicsRequest()
		r.TimeoutMillis, r.ValidateOnly = 5000, version == 1
		r.Topics = []kmsg.CreateTopicsRequestTopic{configured("x", configMaxMessage, "5"), wantTopic("a", 1, 1), assigned("y", -1, -1, part(0, 2, 1))}
		p := planCreateTopics(r, m, testDefaults, testRand())
		carry(t, m, p)
		req, resp = r, p.response()
	case keyDeleteTopics:
		r := kmsg.NewPtrDeleteTopicsRequest()
		r.Version, r.TimeoutMillis, r.TopicNames = version, 5000, []string{"a", "x"}
		r.Topics = []kmsg.DeleteTopicsRequestTopic{{Topic: kmsg.StringPtr("x")}, {TopicID: id(2)}}
		p := planDeleteTopics(r, m)
		carry(t, m, p)
		req, resp = r, p.response()
	case keyIncrementalAlterConfigs:
		r := kmsg.NewPtrIncrementalAlterConfigsRequest()
		r.Resources = []kmsg.IncrementalAlterConfigsRequestResource{
			altered("a", kmsg.IncrementalAlterConfigOpSet, configRetentionSize, "5"),
			altered("x", kmsg.IncrementalAlterConfigOpDelete, configRetentionSize, ""),
			altered("b.c", kmsg.IncrementalAlterConfigOpSet, configSegmentTime, "0")}
		m = must(t, m, Raise{Level: 2})
		p := planAlterConfigs(r, m, testConfig)
		carry(t, m, p)
		req, resp = r, p.response()
	case keyAlterConfigs:
		req, resp = exampleOfAlter(t, m)
	case keyDescribeConfigs:
		r := kmsg.NewPtrDescribeConfigsRequest()
		r.Version, r.IncludeSynonyms, r.IncludeDocumentation = version, version >= 1, version >= 3
		r.Resources = []kmsg.DescribeConfigsRequestResource{{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: "a", ConfigNames: []string{configRetentionTime, configRetentionSize}},
			{ResourceType: kmsg.ConfigResourceTypeBroker, ResourceName: "1"}, {ResourceType: kmsg.ConfigResourceTypeGroupConfig, ResourceName: "g"}}
		m = must(t, must(t, m, Raise{Level: 2}), AlterTopic{Name: "a", Changes: []ConfigChange{{configRetentionTime, configSet, "5"}}})
		req, resp = r, describeConfigs(r, m, testConfig)
	case keyListConfigResources:
		r := kmsg.NewPtrListConfigResourcesRequest()
		r.Version, r.ResourceTypes = version, []int8{int8(kmsg.ConfigResourceTypeGroupConfig), int8(kmsg.ConfigResourceTypeTopic)}
		m = must(t, must(t, m, Raise{Level: 4}), AlterGroup{Name: "g", Changes: []ConfigChange{{configGroupSession, configSet, "5"}}})
		req, resp = r, listConfigResources(r, m)
	case keyDescribeCluster:
		r := kmsg.NewPtrDescribeClusterRequest()
		r.Version, r.IncludeClusterAuthorizedOperations, r.IncludeFencedBrokers = version, true, true
		req, resp = r, describeCluster(m, led, r)
	case keyFindCoordinator:
		r := &kmsg.FindCoordinatorRequest{Version: version, CoordinatorKey: "g", CoordinatorKeys: []string{"g", "h"}}
		req, resp = r, findCoordinator(r, m, led)
	default:
		req, resp = exampleOfRecords(t, key, version)
	}
	req.SetVersion(version)
	resp.SetVersion(version)
	return req, resp
}

func exampleOfAlter(t *testing.T, m *Meta) (kmsg.Request, kmsg.Response) {
	r := kmsg.NewPtrAlterConfigsRequest()
	size := "5"
	r.Resources = []kmsg.AlterConfigsRequestResource{
		{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: "a", Configs: []kmsg.AlterConfigsRequestResourceConfig{{Name: configRetentionSize, Value: &size}}},
		{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: "x", Configs: []kmsg.AlterConfigsRequestResourceConfig{{Name: configRetentionSize}}}}
	m = must(t, m, Raise{Level: 2})
	p := planAlterConfigsWhole(r, m, testConfig)
	carry(t, m, p)
	return r, p.response()
}

// exampleOfRecords is for the APIs whose answer needs more than metadata: the response is only encoded.
func exampleOfRecords(t *testing.T, key, version int16) (kmsg.Request, kmsg.Response) {
	batch := testBatch{records: []testRecord{{key: "k", value: "v", timestamp: 1000}}}.bytes(t)
	switch key {
	case keyProduce:
		req, resp := kmsg.NewPtrProduceRequest(), kmsg.NewPtrProduceResponse()
		req.Acks, req.TimeoutMillis = -1, 30000
		req.Topics = []kmsg.ProduceRequestTopic{{Topic: "a", TopicID: id(1), Partitions: []kmsg.ProduceRequestTopicPartition{{Partition: 1, Records: batch}}}}
		out := kmsg.NewProduceResponseTopicPartition()
		out.Partition, out.BaseOffset, out.ErrorRecords = 1, 41, []kmsg.ProduceResponseTopicPartitionErrorRecord{}
		resp.Topics = []kmsg.ProduceResponseTopic{{Topic: "a", TopicID: id(1), Partitions: []kmsg.ProduceResponseTopicPartition{out}}}
		return req, resp
	case keyDeleteRecords:
		req, resp := kmsg.NewPtrDeleteRecordsRequest(), kmsg.NewPtrDeleteRecordsResponse()
		req.TimeoutMillis = 5000
		req.Topics = []kmsg.DeleteRecordsRequestTopic{{Topic: "a", Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Partition: 1, Offset: -1}}}}
		resp.Topics = []kmsg.DeleteRecordsResponseTopic{{Topic: "a", Partitions: []kmsg.DeleteRecordsResponseTopicPartition{{Partition: 1, LowWatermark: 41}}}}
		return req, resp
	case keyFetch:
		req, resp := kmsg.NewPtrFetchRequest(), kmsg.NewPtrFetchResponse()
		in := kmsg.NewFetchRequestTopicPartition()
		in.Partition, in.CurrentLeaderEpoch, in.FetchOffset, in.PartitionMaxBytes = 1, 7, 41, 1<<20
		req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.Rack = 500, 1, 50<<20, "r"
		req.Topics = []kmsg.FetchRequestTopic{{Topic: "a", TopicID: id(1), Partitions: []kmsg.FetchRequestTopicPartition{in}}}
		out := kmsg.NewFetchResponseTopicPartition()
		out.Partition, out.HighWatermark, out.LastStableOffset, out.LogStartOffset, out.RecordBatches = 1, 42, 42, 0, batch
		resp.Topics = []kmsg.FetchResponseTopic{{Topic: "a", TopicID: id(1), Partitions: []kmsg.FetchResponseTopicPartition{out}}}
		return req, resp
	case keyOffsetForLeaderEpoch:
		req, resp := kmsg.NewPtrOffsetForLeaderEpochRequest(), kmsg.NewPtrOffsetForLeaderEpochResponse()
		req.ReplicaID = -1
		req.Topics = []kmsg.OffsetForLeaderEpochRequestTopic{{Topic: "a", Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{{Partition: 1, CurrentLeaderEpoch: 7, LeaderEpoch: 5}}}}
		resp.Topics = []kmsg.OffsetForLeaderEpochResponseTopic{{Topic: "a", Partitions: []kmsg.OffsetForLeaderEpochResponseTopicPartition{{Partition: 1, LeaderEpoch: 5, EndOffset: 31}}}}
		return req, resp
	case keyListOffsets:
		req, resp := kmsg.NewPtrListOffsetsRequest(), kmsg.NewPtrListOffsetsResponse()
		in, out := kmsg.NewListOffsetsRequestTopicPartition(), kmsg.NewListOffsetsResponseTopicPartition()
		in.Partition, in.CurrentLeaderEpoch, in.Timestamp, in.MaxNumOffsets = 1, 7, -2, 1
		out.Partition, out.Timestamp, out.Offset, out.LeaderEpoch, out.OldStyleOffsets = 1, -1, 3, 7, []int64{3}
		req.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: "a", Partitions: []kmsg.ListOffsetsRequestTopicPartition{in}}}
		resp.Topics = []kmsg.ListOffsetsResponseTopic{{Topic: "a", Partitions: []kmsg.ListOffsetsResponseTopicPartition{out}}}
		return req, resp
	case keyInitProducerID:
		req, resp := kmsg.NewPtrInitProducerIDRequest(), kmsg.NewPtrInitProducerIDResponse()
		req.ProducerID, req.ProducerEpoch, req.TransactionTimeoutMillis = 1000, 3, math.MaxInt32
		resp.ProducerID, resp.ProducerEpoch = 2000, 0
		return req, resp
	case keyDescribeProducers:
		req, resp := kmsg.NewPtrDescribeProducersRequest(), kmsg.NewPtrDescribeProducersResponse()
		req.Topics = []kmsg.DescribeProducersRequestTopic{{Topic: "a", Partitions: []int32{1, 0}}}
		row := kmsg.NewDescribeProducersResponseTopicPartitionActiveProducer()
		row.ProducerID, row.ProducerEpoch, row.LastSequence, row.LastTimestamp, row.CurrentTxnStartOffset = 1000, 3, 41, 1_800_000_000_000, -1
		resp.Topics = []kmsg.DescribeProducersResponseTopic{{Topic: "a", Partitions: []kmsg.DescribeProducersResponseTopicPartition{{Partition: 1,
			ActiveProducers: []kmsg.DescribeProducersResponseTopicPartitionActiveProducer{row}}}}}
		return req, resp
	}
	req, resp := exampleOfGroups(key, version)
	if req == nil {
		req, resp = exampleOfPlaces(t, key)
	}
	if req == nil {
		t.Fatalf("API %d is served and has no example", key)
	}
	return req, resp
}

// A request of a version that isn't served closes its connection, and the log says whose it was: client id, software and its
// version, if it had said them.
func TestUnservedVersions(t *testing.T) {
	l := startLone(t)
	for _, named := range []bool{false, true} {
		conn, want := ConnID(10), "software=unknown"
		if named {
			conn, want = 11, "software=apache-kafka-java 4.2.0"
		}
		l.turn(ConnOpened{Conn: conn, Remote: "r"})
		if named {
			hello := &kmsg.ApiVersionsRequest{Version: 3, ClientSoftwareName: "apache-kafka-java", ClientSoftwareVersion: "4.2.0"}
			l.turn(ConnData{Conn: conn, Data: transport.AppendRequest("me", 1, hello)})
		}
		req := kmsg.NewPtrListOffsetsRequest()
		req.Version = 11
		l.logs, l.closed = nil, nil
		l.turn(ConnData{Conn: conn, Data: transport.AppendRequest("me", 2, req)})
		said := strings.Join(l.said("closing"), "\n")
		if len(l.closed) != 1 || !strings.Contains(said, `ListOffsets version 11, asked for by client id "me"; versions 0 to 10 are`) || !strings.Contains(said, want) {
			t.Errorf("named %t: %v closed, %s", named, l.closed, said)
		}
	}
}

// Features are named as KIP-584 has it, and up to version 3 none that is supported from level 0 (KAFKA-17011).
func TestFeatures(t *testing.T) {
	for version := int16(3); version <= 4; version++ {
		resp := apiVersionsResponse(version)
		for _, f := range features {
			supported := slices.ContainsFunc(resp.SupportedFeatures, func(r kmsg.ApiVersionsResponseSupportedFeature) bool {
				return r.Name == f.Name && r.MinVersion == f.Min && r.MaxVersion == f.Max
			})
			finalized := slices.ContainsFunc(resp.FinalizedFeatures, func(r kmsg.ApiVersionsResponseFinalizedFeature) bool {
				return r.Name == f.Name && r.MaxVersionLevel == f.Finalized
			})
			if supported != (version >= 4 || f.Min > 0) || finalized != (f.Finalized > 0) || f.Finalized > f.Max || f.Min > f.Max {
				t.Errorf("version %d: %+v is supported %t, finalized %t", version, f, supported, finalized)
			}
		}
		if (len(resp.FinalizedFeatures) > 0) != (resp.FinalizedFeaturesEpoch >= 0) {
			t.Errorf("version %d: epoch %d of %v", version, resp.FinalizedFeaturesEpoch, resp.FinalizedFeatures)
		}
	}
}

// The v0 answer to an unknown version of ApiVersions is read by a client that knows nothing else (KIP-511).
func TestUnknownAPIVersionsOnTheWire(t *testing.T) {
	out := answerAPIVersions(transport.Request{Version: 99, Unsupported: true, Body: &kmsg.ApiVersionsRequest{}}).AppendTo(nil)
	want := []byte{0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 4}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// exampleOfPlaces has those that say where partitions are.
func exampleOfPlaces(t *testing.T, key int16) (kmsg.Request, kmsg.Response) {
	switch key {
	case keyDescribeTopicPartitions:
		r := &kmsg.DescribeTopicPartitionsRequest{ResponsePartitionLimit: 1, Topics: []kmsg.DescribeTopicPartitionsRequestTopic{{Topic: "x"}, {Topic: "a"}}}
		r.Cursor = &kmsg.DescribeTopicPartitionsRequestCursor{Topic: "a", Partition: 1}
		return r, describeTopicPartitions(withTopics(t), led, r)
	case keyDescribeLogDirs:
		req, resp := kmsg.NewPtrDescribeLogDirsRequest(), kmsg.NewPtrDescribeLogDirsResponse()
		req.Topics = []kmsg.DescribeLogDirsRequestTopic{{Topic: "a", Partitions: []int32{1, 0}}}
		dir := kmsg.NewDescribeLogDirsResponseDir()
		dir.Dir, dir.TotalBytes, dir.UsableBytes = "/d", 9000, 8000
		dir.Topics = []kmsg.DescribeLogDirsResponseDirTopic{{Topic: "a", Partitions: []kmsg.DescribeLogDirsResponseDirTopicPartition{{Partition: 1, Size: 700}}}}
		resp.Dirs = []kmsg.DescribeLogDirsResponseDir{dir}
		return req, resp
	}
	return nil, nil
}
