package broker

import (
	"math/rand/v2"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxTopicsPerRequest bounds the topics that one request creates or deletes, each of which is an entry of group 1.
const maxTopicsPerRequest = 1_000

// changePlan is a request that changes topics: the commands to propose to group 1, and the response, to which each result
// is added as it comes. The metadata that it is made from may be old: whatever depends on what there is, is decided when
// the command is applied, so that who sees a topic made or gone finds it so everywhere.
type changePlan interface {
	// commands are to be proposed in order; none if the response is complete already.
	commands() []Command
	// set adds the result of command i: [Meta.Apply]'s, or a refusal that says why there is none.
	set(i int, r Result)
	// response is the answer; parts of which no result came yet say that the outcome is unclear.
	response() kmsg.Response
}

// createPlan is a CreateTopics request under way.
type createPlan struct {
	resp     *kmsg.CreateTopicsResponse
	creates  []CreateTopic
	rows     []int // creates[i] is answered by resp.Topics[rows[i]]
	defaults TopicDefaults
}

// planCreateTopics plans a CreateTopics request. What no metadata could allow is refused without a proposal, in the order
// and the words of Kafka's ControllerApis.createTopics and ReplicationControlManager.createTopics. If the request only
// validates, then m decides, nothing is proposed, and topics aren't given ids.
func planCreateTopics(req *kmsg.CreateTopicsRequest, m *Meta, d TopicDefaults, rng *rand.Rand) *createPlan {
	p := &createPlan{resp: kmsg.NewPtrCreateTopicsResponse(), defaults: d}
	p.resp.Version = req.Version
	p.resp.Topics = []kmsg.CreateTopicsResponseTopic{}
	times := map[string]int{}
	for i := range req.Topics {
		times[req.Topics[i].Topic]++
	}
	for i := range req.Topics {
		want := &req.Topics[i]
		if times[want.Topic] == 0 {
			continue // a duplicate, answered already
		}
		var c CreateTopic
		var no refusal
		switch {
		case len(req.Topics) > maxTopicsPerRequest:
			no = refuse(errPolicy, "%d topics in a request, it creates at most %d: ask for the rest in another", len(req.Topics), maxTopicsPerRequest)
		case times[want.Topic] > 1:
			no = refuse(errBadRequest, "Duplicate topic name.")
		default:
			c, no = planCreate(want, m, d)
			if !no.is() && req.ValidateOnly {
				_, no = c.check(m)
			}
		}
		times[want.Topic] = 0
		row := kmsg.NewCreateTopicsResponseTopic()
		row.Topic = want.Topic
		row.Configs = []kmsg.CreateTopicsResponseTopicConfig{} // never null: Java's AdminClient fails on that
		switch {
		case no.is():
			row.ErrorCode, row.ErrorMessage = no.code, messageOf(no.code, no.message)
		case req.ValidateOnly:
			echo(&row, c, d)
		default:
			row.ErrorCode, row.ErrorMessage = errTimedOut, messageOf(errTimedOut, unclearChange)
			c.ID = drawUUID(rng)
			p.creates, p.rows = append(p.creates, c), append(p.rows, len(p.resp.Topics))
		}
		p.resp.Topics = append(p.resp.Topics, row)
	}
	return p
}

const unclearChange = "the change was proposed, and may still happen"

// planCreate turns one topic of a request into a command with nothing left to default, or refuses what no metadata could
// allow. (If m knows the name, then the refusal is of that, which comes first in Kafka.)
func planCreate(want *kmsg.CreateTopicsRequestTopic, m *Meta, d TopicDefaults) (CreateTopic, refusal) {
	c := CreateTopic{Name: want.Topic, Partitions: want.NumPartitions, Replication: want.ReplicationFactor}
	switch {
	case want.Topic == topicClusterMeta:
		return c, refuse(errBadRequest, "Creation of internal topic %s is prohibited.", topicClusterMeta)
	case internalTopic(want.Topic) && m.TopicByName(want.Topic) == nil:
		return c, refuse(errBadTopic, "Topic '%s' is the brokers' own: they make it when it is needed.", want.Topic)
	}
	if no := checkTopicName(want.Topic); no.is() {
		return c, no
	}
	var no refusal
	if c.Configs, no = configsOf(want.Configs); !no.is() && len(want.ReplicaAssignment) > 0 {
		c.Assignment, no = assignmentOf(want.ReplicaAssignment)
	}
	if len(want.ReplicaAssignment) == 0 && c.Partitions == -1 {
		c.Partitions = d.Partitions
	}
	if len(want.ReplicaAssignment) == 0 && c.Replication == -1 {
		c.Replication = d.replicas(m)
	}
	if !no.is() {
		c.Configs, no = c.lint()
	}
	if taken := c.checkName(m); no.is() && taken.is() {
		no = taken
	}
	return c, no
}

// configsOf takes a request's settings, none of which may be null.
func configsOf(given []kmsg.CreateTopicsRequestTopicConfig) ([]TopicConfig, refusal) {
	var out []TopicConfig
	var null []string
	for _, conf := range given {
		if conf.Value == nil {
			null = append(null, conf.Name)
		} else {
			out = append(out, TopicConfig{conf.Name, *conf.Value})
		}
	}
	if null != nil {
		return nil, refuse(errBadConfig, "Null value not supported for topic configs: %.300s", strings.Join(null, ","))
	}
	return out, refusal{}
}

// assignmentOf orders a request's assignment by partition: 0, 1, and so on, each once.
func assignmentOf(given []kmsg.CreateTopicsRequestTopicReplicaAssignment) ([][]int32, refusal) {
	out := make([][]int32, len(given))
	seen := make([]bool, len(given))
	outside := false
	for _, a := range given {
		if a.Partition < 0 || int(a.Partition) >= len(given) {
			outside = true
			continue
		}
		if seen[a.Partition] {
			return nil, refuse(errBadAssignment, "Found multiple manual partition assignments for partition %d", a.Partition)
		}
		seen[a.Partition], out[a.Partition] = true, a.Replicas
	}
	if outside {
		return nil, refuse(errBadAssignment, "partitions should be a consecutive 0-based integer sequence")
	}
	return out, refusal{}
}

func (p *createPlan) commands() []Command {
	out := make([]Command, len(p.creates))
	for i, c := range p.creates {
		out[i] = c
	}
	return out
}

func (p *createPlan) set(i int, r Result) {
	row := &p.resp.Topics[p.rows[i]]
	row.ErrorCode, row.ErrorMessage = r.Code, messageOf(r.Code, r.Message)
	if r.Code == errNone {
		row.TopicID = p.creates[i].ID
		echo(row, p.creates[i], p.defaults)
	}
}

func (p *createPlan) response() kmsg.Response { return p.resp }

// echo tells the client what it got: the counts, and all settings with where they are from (version 5 on).
func echo(row *kmsg.CreateTopicsResponseTopic, c CreateTopic, d TopicDefaults) {
	row.NumPartitions, row.ReplicationFactor = c.Partitions, c.Replication
	if len(c.Assignment) > 0 {
		row.NumPartitions, row.ReplicationFactor = int32(len(c.Assignment)), int16(len(c.Assignment[0]))
	}
	t := Topic{Configs: c.Configs}
	for _, s := range settings {
		out := kmsg.NewCreateTopicsResponseTopicConfig()
		value, given := s.value(&t, d)
		out.Name, out.Source = s.name, int8(s.source(given))
		out.Value = &value
		row.Configs = append(row.Configs, out)
	}
}
