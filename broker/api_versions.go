package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/transport"
)

// apiVersionsResponse answers an ApiVersions request of a version, known or not. An unknown one gets UNSUPPORTED_VERSION,
// encoded as version 0, and the range of ApiVersions alone, so that the client can ask again (KIP-511).
func apiVersionsResponse(version int16) *kmsg.ApiVersionsResponse {
	resp := kmsg.NewPtrApiVersionsResponse()
	min, max, _ := served(keyAPIVersions)
	known := min <= version && version <= max
	if known {
		resp.Version = version
		nameFeatures(resp)
	} else {
		resp.ErrorCode = errUnsupported
	}
	for _, a := range apis {
		if a.Served() && (known || a.Key == keyAPIVersions) {
			row := kmsg.NewApiVersionsResponseApiKey()
			row.ApiKey, row.MinVersion, row.MaxVersion = a.Key, a.Named, a.Max
			resp.ApiKeys = append(resp.ApiKeys, row)
		}
	}
	return resp
}

// nameFeatures tells what is supported, and what is finalized, if anything is: without, the epoch of what is stays unknown (-1).
// Up to version 3 a feature that is supported from level 0 is left out, since clients of that age can't read it (KAFKA-17011).
func nameFeatures(resp *kmsg.ApiVersionsResponse) {
	for _, f := range features {
		if resp.Version >= 4 || f.Min > 0 {
			row := kmsg.NewApiVersionsResponseSupportedFeature()
			row.Name, row.MinVersion, row.MaxVersion = f.Name, f.Min, f.Max
			resp.SupportedFeatures = append(resp.SupportedFeatures, row)
		}
		if f.Finalized > 0 {
			row := kmsg.NewApiVersionsResponseFinalizedFeature()
			row.Name, row.MinVersionLevel, row.MaxVersionLevel = f.Name, f.Finalized, f.Finalized
			resp.FinalizedFeatures, resp.FinalizedFeaturesEpoch = append(resp.FinalizedFeatures, row), 0
		}
	}
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

// softwareOf is what a client says it is, for the log: "name version"; empty if it doesn't say, or not as Kafka wants it.
func softwareOf(in transport.Request) string {
	req, ok := in.Body.(*kmsg.ApiVersionsRequest)
	if !ok || !softwareName(req.ClientSoftwareName) || !softwareName(req.ClientSoftwareVersion) {
		return ""
	}
	const shown = 64 // bytes of each
	return req.ClientSoftwareName[:min(len(req.ClientSoftwareName), shown)] + " " + req.ClientSoftwareVersion[:min(len(req.ClientSoftwareVersion), shown)]
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
