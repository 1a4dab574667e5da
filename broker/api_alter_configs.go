package broker

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// alterPlan is an IncrementalAlterConfigs request under way.
type alterPlan struct {
	resp   *kmsg.IncrementalAlterConfigsResponse
	alters []AlterTopic
	rows   []int // alters[i] is answered by resp.Resources[rows[i]]
}

// resource names what has settings.
type resource struct {
	kind kmsg.ConfigResourceType
	name string
}

// planAlterConfigs plans an IncrementalAlterConfigs request. What no metadata could allow is refused without a proposal, in
// the order and the words of Kafka's ConfigAdminManager.preprocess. If the request only validates, then m decides. Only
// topics have settings that can be changed: a broker's are those that it was started with.
func planAlterConfigs(req *kmsg.IncrementalAlterConfigsRequest, m *Meta, broker int32) *alterPlan {
	p := &alterPlan{resp: kmsg.NewPtrIncrementalAlterConfigsResponse()}
	p.resp.Version = req.Version
	p.resp.Resources = []kmsg.IncrementalAlterConfigsResponseResource{}
	times := map[resource]int{}
	for i := range req.Resources {
		times[resource{req.Resources[i].ResourceType, req.Resources[i].ResourceName}]++
	}
	for i := range req.Resources {
		want := &req.Resources[i]
		row := kmsg.NewIncrementalAlterConfigsResponseResource()
		row.ResourceType, row.ResourceName = want.ResourceType, want.ResourceName
		a, no := planAlter(want, broker)
		switch {
		case times[resource{want.ResourceType, want.ResourceName}] > 1:
			no = refuse(errBadRequest, "Each resource must appear at most once.")
		case no.is():
		case len(p.alters) == maxTopicsPerRequest:
			no = refuse(errPolicy, "a request alters at most %d topics: ask for the rest in another", maxTopicsPerRequest)
		case req.ValidateOnly:
			_, _, no = a.plan(m)
		default:
			no = refuse(errTimedOut, unclearChange) // until its result comes
			p.alters, p.rows = append(p.alters, a), append(p.rows, len(p.resp.Resources))
		}
		row.ErrorCode, row.ErrorMessage = no.code, messageOf(no.code, no.message)
		p.resp.Resources = append(p.resp.Resources, row)
	}
	return p
}

// planAlter turns one resource of a request into a command.
func planAlter(want *kmsg.IncrementalAlterConfigsRequestResource, broker int32) (AlterTopic, refusal) {
	a := AlterTopic{Name: want.ResourceName}
	seen := map[string]bool{}
	var null []string
	for _, c := range want.Configs {
		if seen[c.Name] {
			return a, refuse(errBadRequest, "Error due to duplicate config keys")
		}
		seen[c.Name] = true
		change := ConfigChange{Name: c.Name, Op: opName(c.Op)}
		switch {
		case c.Op == kmsg.IncrementalAlterConfigOpDelete:
		case c.Value == nil:
			null = append(null, c.Name)
		default:
			change.Value = *c.Value
		}
		a.Changes = append(a.Changes, change)
	}
	if null != nil {
		return a, refuse(errBadRequest, "Null value not supported for : %.300s", strings.Join(null, ", "))
	}
	switch want.ResourceType {
	case kmsg.ConfigResourceTypeTopic:
		if a.Name == "" {
			return a, refuse(errBadRequest, "Default topic resources are not allowed.") // ControllerConfigurationValidator
		}
		return a, a.lint()
	case kmsg.ConfigResourceTypeBroker:
		if want.ResourceName != "" {
			if no := checkBrokerName(want.ResourceName, broker, ""); no.is() {
				return a, no
			}
		}
		var names []string
		for _, c := range want.Configs {
			names = append(names, c.Name)
		}
		return a, refuse(errBadRequest, "Cannot update these configs dynamically: Set(%.300s)", strings.Join(names, ", "))
	}
	return a, refuse(errBadRequest, "Unknown resource type %d", want.ResourceType)
}

func opName(op kmsg.IncrementalAlterConfigOp) ConfigOp {
	switch op {
	case kmsg.IncrementalAlterConfigOpSet:
		return configSet
	case kmsg.IncrementalAlterConfigOpDelete:
		return configDelete
	case kmsg.IncrementalAlterConfigOpAppend:
		return configAppend
	case kmsg.IncrementalAlterConfigOpSubtract:
		return configSubtract
	}
	return ConfigOp(fmt.Sprint(int8(op))) // which no command has
}

// checkBrokerName refuses a broker resource that isn't this broker; or says what else it may be.
func checkBrokerName(name string, broker int32, or string) refusal {
	id, err := strconv.ParseInt(name, 10, 32)
	switch {
	case err != nil && or == "":
		return refuse(errBadRequest, "Node id must be an integer, but it is: %.100s", name)
	case err != nil:
		return refuse(errBadRequest, "Broker id must be an integer, but it is: %.100s", name)
	case int32(id) != broker:
		return refuse(errBadRequest, "Unexpected broker id, expected %d%s, but received %.100s", broker, or, name)
	}
	return refusal{}
}

func (p *alterPlan) commands() []Command {
	out := make([]Command, len(p.alters))
	for i, a := range p.alters {
		out[i] = a
	}
	return out
}

func (p *alterPlan) set(i int, r Result) {
	row := &p.resp.Resources[p.rows[i]]
	row.ErrorCode, row.ErrorMessage = r.Code, messageOf(r.Code, r.Message)
}

func (p *alterPlan) response() kmsg.Response { return p.resp }
