package broker

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// alterPlan is an IncrementalAlterConfigs request under way.
type alterPlan struct {
	resp   *kmsg.IncrementalAlterConfigsResponse
	alters []Command
	rows   []int // alters[i] is answered by resp.Resources[rows[i]]
}

// resource names what has settings.
type resource struct {
	kind kmsg.ConfigResourceType
	name string
}

// planAlterConfigs plans an IncrementalAlterConfigs request. What no metadata could allow is refused without a proposal, in
// the order and the words of Kafka's ConfigAdminManager.preprocess. If the request only validates, then m decides. Only
// topics and groups have settings that can be changed: a broker's are those that it was started with.
func planAlterConfigs(req *kmsg.IncrementalAlterConfigsRequest, m *Meta, cfg Config) *alterPlan {
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
		a, no := planAlter(want, m, cfg)
		switch {
		case times[resource{want.ResourceType, want.ResourceName}] > 1:
			no = refuse(errBadRequest, "Each resource must appear at most once.")
		case no.is():
		case len(p.alters) == maxTopicsPerRequest:
			no = refuse(errPolicy, "a request alters at most %d topics and groups: ask for the rest in another", maxTopicsPerRequest)
		case req.ValidateOnly:
			_, r := a.apply(m)
			no = refusal{r.Code, r.Message}
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
func planAlter(want *kmsg.IncrementalAlterConfigsRequestResource, m *Meta, cfg Config) (Command, refusal) {
	changes, no := planChanges(want)
	if no.is() {
		return nil, no
	}
	switch want.ResourceType {
	case kmsg.ConfigResourceTypeTopic:
		a := AlterTopic{want.ResourceName, changes}
		if a.Name == "" {
			return a, refuse(errBadRequest, "Default topic resources are not allowed.") // ControllerConfigurationValidator
		}
		if no := a.lint(); no.is() || !internalTopic(a.Name) || !slices.ContainsFunc(changes, changesCleanup) {
			return a, no
		}
		return a, refuse(errBadConfig, "Topic '%s' is compacted by its coordinators: its %s can't be changed.", a.Name, configCleanup)
	case kmsg.ConfigResourceTypeGroupConfig:
		a := AlterGroup{want.ResourceName, changes}
		configs, no := a.plan(m)
		if !no.is() {
			no = checkGroupBounds(configs, cfg.Limits.Groups)
		}
		return a, no
	case kmsg.ConfigResourceTypeBroker:
		if want.ResourceName != "" {
			if no := checkBrokerName(want.ResourceName, cfg.Broker, ""); no.is() {
				return nil, no
			}
		}
		var names []string
		for _, c := range want.Configs {
			names = append(names, c.Name)
		}
		return nil, refuse(errBadRequest, "Cannot update these configs dynamically: Set(%.300s)", strings.Join(names, ", "))
	}
	return nil, refuse(errBadRequest, "Unknown resource type %d", want.ResourceType)
}

func changesCleanup(c ConfigChange) bool { return c.Name == configCleanup && c.Op != configDelete }

// planChanges turns a resource's settings into a command's.
func planChanges(want *kmsg.IncrementalAlterConfigsRequestResource) (changes []ConfigChange, no refusal) {
	seen := map[string]bool{}
	var null []string
	for _, c := range want.Configs {
		if seen[c.Name] {
			return nil, refuse(errBadRequest, "Error due to duplicate config keys")
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
		changes = append(changes, change)
	}
	if null != nil {
		return nil, refuse(errBadRequest, "Null value not supported for : %.300s", strings.Join(null, ", "))
	}
	return changes, refusal{}
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
	return p.alters
}

func (p *alterPlan) set(i int, r Result) {
	row := &p.resp.Resources[p.rows[i]]
	row.ErrorCode, row.ErrorMessage = r.Code, messageOf(r.Code, r.Message)
}

func (p *alterPlan) response() kmsg.Response { return p.resp }
