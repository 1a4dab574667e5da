package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/transport"
)

// api is one row of the table of what is served.
type api struct {
	key      int16
	min, max int16
	oldest   int16 // the lowest version that ApiVersions names: below min only where Kafka lies too
}

// apis is Kafka 4.1's table (its message schemas' validVersions), whole, of what is served so far; versions below Kafka's
// own lower bounds are free to keep and help old clients. It alone says what is advertised, and what is decoded.
//
// Produce is named from 0 though 0 to 2 are refused, as Kafka 4 does (KAFKA-18659): librdkafka before 2.11.1 takes a
// higher lower bound for a broker without gzip, snappy and lz4, and silently sends uncompressed.
var apis = []api{
	{key: keyProduce, min: 3, max: 13, oldest: 0},
	{key: keyFetch, min: 4, max: 18, oldest: 4},
	{key: keyListOffsets, min: 0, max: 10, oldest: 0},
	{key: keyMetadata, min: 0, max: 13, oldest: 0},
	{key: keyFindCoordinator, min: 0, max: 6, oldest: 0},
	{key: keyAPIVersions, min: 0, max: 4, oldest: 0},
	{key: keyCreateTopics, min: 0, max: 7, oldest: 0},
	{key: keyDeleteTopics, min: 0, max: 6, oldest: 0},
	{key: keyDeleteRecords, min: 0, max: 2, oldest: 0},
	{key: keyInitProducerID, min: 0, max: 5, oldest: 0},
	{key: keyDescribeConfigs, min: 0, max: 4, oldest: 0},
	{key: keyIncrementalAlterConfigs, min: 0, max: 1, oldest: 0},
	{key: keyDescribeCluster, min: 0, max: 2, oldest: 0},
	{key: keyDescribeProducers, min: 0, max: 0, oldest: 0},
}

// The keys of the served APIs.
const (
	keyProduce                 = int16(kmsg.Produce)
	keyFetch                   = int16(kmsg.Fetch)
	keyListOffsets             = int16(kmsg.ListOffsets)
	keyMetadata                = int16(kmsg.Metadata)
	keyFindCoordinator         = int16(kmsg.FindCoordinator)
	keyAPIVersions             = int16(kmsg.ApiVersions)
	keyCreateTopics            = int16(kmsg.CreateTopics)
	keyDeleteTopics            = int16(kmsg.DeleteTopics)
	keyDeleteRecords           = int16(kmsg.DeleteRecords)
	keyInitProducerID          = int16(kmsg.InitProducerID)
	keyDescribeProducers       = int16(kmsg.DescribeProducers)
	keyDescribeConfigs         = int16(kmsg.DescribeConfigs)
	keyIncrementalAlterConfigs = int16(kmsg.IncrementalAlterConfigs)
	keyDescribeCluster         = int16(kmsg.DescribeCluster)
)

// served returns the versions of an API that are decoded and answered; ok is false if none is. A request of any other
// version closes its connection, as Kafka does, but for ApiVersions.
func served(key int16) (min, max int16, ok bool) {
	for _, a := range apis {
		if a.key == key {
			return a.min, a.max, true
		}
	}
	return 0, 0, false
}

// apiVersionsResponse answers an ApiVersions request of a version, known or not. An unknown one gets UNSUPPORTED_VERSION,
// encoded as version 0, and the range of ApiVersions alone, so that the client can ask again (KIP-511).
//
// No features are named (KIP-584): finalizing one obliges the broker to what it stands for.
func apiVersionsResponse(version int16) *kmsg.ApiVersionsResponse {
	resp := kmsg.NewPtrApiVersionsResponse()
	min, max, _ := served(keyAPIVersions)
	known := min <= version && version <= max
	if known {
		resp.Version = version
	} else {
		resp.ErrorCode = errUnsupported
	}
	for _, a := range apis {
		if known || a.key == keyAPIVersions {
			row := kmsg.NewApiVersionsResponseApiKey()
			row.ApiKey, row.MinVersion, row.MaxVersion = a.key, a.oldest, a.max
			resp.ApiKeys = append(resp.ApiKeys, row)
		}
	}
	return resp
}

// answerAPIVersions answers a request. From version 3 on the client must say who it is (KIP-511), in letters, digits, '-'
// and '.', with no '-' or '.' at either end; otherwise INVALID_REQUEST (Kafka's ApiVersionsRequest.isValid).
func answerAPIVersions(in transport.Request) *kmsg.ApiVersionsResponse {
	req, ok := in.Body.(*kmsg.ApiVersionsRequest)
	if ok && in.Version >= 3 && !in.Unsupported && !(softwareName(req.ClientSoftwareName) && softwareName(req.ClientSoftwareVersion)) {
		resp := kmsg.NewPtrApiVersionsResponse()
		resp.Version, resp.ErrorCode = in.Version, errBadRequest
		return resp
	}
	return apiVersionsResponse(in.Version)
}

func softwareName(s string) bool {
	for i := range len(s) {
		c := s[i]
		inner := c == '-' || c == '.'
		if !alphanumeric(c) && !(inner && i > 0 && i < len(s)-1) {
			return false
		}
	}
	return s != ""
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
