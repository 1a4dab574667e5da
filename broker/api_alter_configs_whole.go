package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// alterWholePlan is an AlterConfigs request under way.
type alterWholePlan struct{ *alterPlan }

// planAlterConfigsWhole plans an AlterConfigs request, the older form, which says all that a topic is given: what it doesn't
// name falls back to the broker's. It is the incremental request that sets what is named and deletes every other setting. A
// setting that is named twice has the value named last, as in Kafka.
func planAlterConfigsWhole(req *kmsg.AlterConfigsRequest, m *Meta, cfg Config) *alterWholePlan {
	whole := kmsg.NewPtrIncrementalAlterConfigsRequest()
	whole.ValidateOnly = req.ValidateOnly
	for i := range req.Resources {
		want := &req.Resources[i]
		row := kmsg.NewIncrementalAlterConfigsRequestResource()
		row.ResourceType, row.ResourceName = want.ResourceType, want.ResourceName
		at := map[string]int{}
		for _, c := range want.Configs {
			if k, again := at[c.Name]; again {
				row.Configs[k].Value = c.Value
				continue
			}
			at[c.Name] = len(row.Configs)
			row.Configs = append(row.Configs, kmsg.IncrementalAlterConfigsRequestResourceConfig{Name: c.Name, Op: kmsg.IncrementalAlterConfigOpSet, Value: c.Value})
		}
		all := map[kmsg.ConfigResourceType][]setting{kmsg.ConfigResourceTypeTopic: settings, kmsg.ConfigResourceTypeGroupConfig: groupSettings}
		for _, s := range all[want.ResourceType] {
			if _, named := at[s.name]; !named {
				row.Configs = append(row.Configs, kmsg.IncrementalAlterConfigsRequestResourceConfig{Name: s.name, Op: kmsg.IncrementalAlterConfigOpDelete})
			}
		}
		whole.Resources = append(whole.Resources, row)
	}
	return &alterWholePlan{planAlterConfigs(whole, m, cfg)}
}

func (p *alterWholePlan) response() kmsg.Response {
	resp := kmsg.NewPtrAlterConfigsResponse()
	resp.Resources = []kmsg.AlterConfigsResponseResource{}
	for _, r := range p.resp.Resources {
		row := kmsg.NewAlterConfigsResponseResource()
		row.ErrorCode, row.ErrorMessage, row.ResourceType, row.ResourceName = r.ErrorCode, r.ErrorMessage, r.ResourceType, r.ResourceName
		resp.Resources = append(resp.Resources, row)
	}
	return resp
}
