package broker

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Kinds of resources that have no settings here.
const (
	resourceLogger  = int8(8)
	resourceMetrics = int8(16)
)

// listConfigResources names what can have settings: topics, brokers, and groups that were given some (kafka-configs.sh --describe).
//
//	v0: only subscriptions to client metrics, of which there are none
//	v1: resource types
func listConfigResources(req *kmsg.ListConfigResourcesRequest, m *Meta) *kmsg.ListConfigResourcesResponse {
	const topics, brokers, groups = int8(kmsg.ConfigResourceTypeTopic), int8(kmsg.ConfigResourceTypeBroker), int8(kmsg.ConfigResourceTypeGroupConfig)
	resp := kmsg.NewPtrListConfigResourcesResponse()
	resp.Version = req.Version
	resp.ConfigResources = []kmsg.ListConfigResourcesResponseConfigResource{}
	known := []int8{topics, brokers, resourceLogger, resourceMetrics, groups}
	kinds := req.ResourceTypes
	switch {
	case req.Version == 0:
		kinds = []int8{resourceMetrics}
	case len(kinds) == 0:
		kinds = known
	}
	add := func(kind int8, name string) {
		row := kmsg.NewListConfigResourcesResponseConfigResource()
		row.Name, row.Type = name, kind
		resp.ConfigResources = append(resp.ConfigResources, row)
	}
	for i, kind := range kinds {
		switch {
		case !slices.Contains(known, kind):
			resp.ErrorCode, resp.ConfigResources = errUnsupported, resp.ConfigResources[:0]
			return resp
		case slices.Contains(kinds[:i], kind):
		case kind == topics:
			for _, t := range m.byName {
				add(kind, t.Name)
			}
		case kind == brokers || kind == resourceLogger:
			for _, b := range m.Brokers {
				add(kind, decimal(b.ID))
			}
		case kind == groups:
			for _, g := range m.groups {
				add(kind, g.Name)
			}
		}
	}
	return resp
}
