package broker

import (
	"math/rand/v2"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// leaders says who leads a group, as far as this broker knows, and in which leader epoch, which is raft's term.
type leaders func(group uint64) (broker, epoch int32, ok bool)

const (
	noBroker = int32(-1) // Kafka's for no leader, no controller, no coordinator
	noEpoch  = int32(-1)

	// maxAutoCreate bounds the topics that one Metadata request may have created; the client asks again for the rest.
	maxAutoCreate = 100
)

// answerMetadata answers a Metadata request from the metadata as this broker has it. The second result are the topics to
// create first, if automatic creation is on, on the client's part too: whoever can have them created answers again with
// the metadata after that, and this answer is for who can't wait, or after a failure.
//
// By version: up to 0 an empty list means all topics, from 1 on a null one does and an empty one means none; from 4 on a
// client says whether to create (before that it always wants it); from 12 on topics are asked for by id too (the schema
// has the field from 10 on, and Kafka refuses it there), and if any id is given then names don't count, as in Kafka.
func answerMetadata(req *kmsg.MetadataRequest, m *Meta, lead leaders, d TopicDefaults, rng *rand.Rand) (*kmsg.MetadataResponse, []CreateTopic) {
	a := metadataAnswer{req: req, m: m, lead: lead, d: d, rng: rng, resp: kmsg.NewPtrMetadataResponse()}
	a.resp.Version = req.Version
	a.addCluster()
	a.resp.Topics = make([]kmsg.MetadataResponseTopic, 0, len(req.Topics))
	switch {
	case req.Topics == nil || req.Version == 0 && len(req.Topics) == 0:
		for _, t := range m.byName {
			a.addTopic(t)
		}
	case req.Version < 12 && a.badBefore12():
		for _, t := range req.Topics {
			a.addError(errBadRequest, t.Topic, t.TopicID)
		}
	case a.byID():
		a.addIDs()
	default:
		a.addNames()
	}
	return a.resp, a.create
}

// metadataAnswer is a response in the making.
type metadataAnswer struct {
	req    *kmsg.MetadataRequest
	m      *Meta
	lead   leaders
	d      TopicDefaults
	rng    *rand.Rand
	resp   *kmsg.MetadataResponse
	create []CreateTopic
	tried  int // names looked at for creation
}

// addCluster fills in brokers, cluster and controller. A broker that never said where it serves isn't listed, nor named
// as anybody's leader: clients would dial an empty address.
func (a *metadataAnswer) addCluster() {
	a.resp.Brokers = make([]kmsg.MetadataResponseBroker, 0, len(a.m.Brokers))
	for _, b := range a.m.Brokers {
		if b.Host != "" {
			row := kmsg.NewMetadataResponseBroker()
			row.NodeID, row.Host, row.Port, row.Rack = b.ID, b.Host, b.Port, rackOf(b)
			a.resp.Brokers = append(a.resp.Brokers, row)
		}
	}
	if a.m.Formed() {
		a.resp.ClusterID = kmsg.StringPtr(a.m.ClusterID.String())
	}
	a.resp.ControllerID, _, _ = reachable(a.m, a.lead, metaGroup)
}

func rackOf(b BrokerInfo) *string {
	if b.Rack == "" {
		return nil
	}
	return &b.Rack
}

// reachable returns a group's leader if it is known and has an address.
func reachable(m *Meta, lead leaders, group uint64) (broker, epoch int32, ok bool) {
	id, epoch, ok := lead(group)
	if !ok {
		return noBroker, noEpoch, false
	}
	if b := m.Broker(id); b == nil || b.Host == "" {
		return noBroker, epoch, false
	}
	return id, epoch, true
}

// addTopic describes a topic that exists.
func (a *metadataAnswer) addTopic(t *Topic) {
	row := kmsg.NewMetadataResponseTopic()
	row.Topic, row.TopicID, row.IsInternal = &t.Name, t.ID, internalTopic(t.Name)
	row.Partitions = make([]kmsg.MetadataResponseTopicPartition, len(t.Partitions))
	var brokers []int32 // of all partitions
	for n := range t.Partitions {
		p, out := &t.Partitions[n], kmsg.NewMetadataResponseTopicPartition()
		leader, epoch, ok := reachable(a.m, a.lead, p.Group)
		if !ok {
			out.ErrorCode = errNoLeader
		}
		out.Partition, out.Leader, out.LeaderEpoch = int32(n), leader, epoch
		if cap(brokers)-len(brokers) < len(p.Replicas) {
			brokers = make([]int32, 0, len(p.Replicas)*(len(t.Partitions)-n))
		}
		from := len(brokers)
		for _, r := range p.Replicas {
			brokers = append(brokers, r.Broker)
		}
		out.Replicas = brokers[from:len(brokers):len(brokers)]
		out.ISR = out.Replicas // raft has no such set: any majority will do, and all replicas are followed
		out.OfflineReplicas = []int32{}
		row.Partitions[n] = out
	}
	a.resp.Topics = append(a.resp.Topics, row)
}

func (a *metadataAnswer) addError(code int16, name *string, id UUID) {
	row := kmsg.NewMetadataResponseTopic()
	row.ErrorCode, row.Topic, row.TopicID = code, name, id
	row.Partitions = []kmsg.MetadataResponseTopicPartition{}
	if name != nil {
		row.IsInternal = internalTopic(*name)
	}
	a.resp.Topics = append(a.resp.Topics, row)
}

// badBefore12 finds what KafkaApis.handleTopicMetadataRequest refuses before version 12.
func (a *metadataAnswer) badBefore12() bool {
	for _, t := range a.req.Topics {
		if t.Topic == nil || !UUID(t.TopicID).IsZero() {
			return true
		}
	}
	return false
}

func (a *metadataAnswer) byID() bool {
	for _, t := range a.req.Topics {
		if !UUID(t.TopicID).IsZero() {
			return true
		}
	}
	return false
}

func (a *metadataAnswer) addIDs() {
	seen := map[UUID]bool{}
	for _, want := range a.req.Topics {
		id := UUID(want.TopicID)
		if id.IsZero() || seen[id] {
			continue
		}
		seen[id] = true
		if t := a.m.TopicByID(id); t != nil {
			a.addTopic(t)
		} else {
			a.addError(errUnknownID, nil, id)
		}
	}
}

func (a *metadataAnswer) addNames() {
	creates := a.d.AutoCreate && a.m.Formed() && (a.req.Version < 4 || a.req.AllowAutoTopicCreation)
	seen := map[string]bool{}
	for _, want := range a.req.Topics {
		if want.Topic == nil {
			a.addError(errBadRequest, nil, UUID{}) // neither name nor id
			continue
		}
		if seen[*want.Topic] {
			continue
		}
		seen[*want.Topic] = true
		if t := a.m.TopicByName(*want.Topic); t != nil {
			a.addTopic(t)
		} else {
			a.addError(a.unknown(*want.Topic, creates), want.Topic, UUID{})
		}
	}
}

// unknown notes a topic to create, and returns the code for it as long as it isn't. LEADER_NOT_AVAILABLE says that it is
// on its way; Kafka's ZooKeeper brokers answered that, its KRaft brokers answer UNKNOWN_TOPIC_OR_PARTITION, which some
// clients report to the program.
func (a *metadataAnswer) unknown(name string, creates bool) int16 {
	if no := checkTopicName(name); no.is() {
		return no.code
	}
	if !creates || internalTopic(name) || name == topicClusterMeta {
		return errUnknownTopic
	}
	if a.tried++; a.tried > maxAutoCreate {
		return errNoLeader
	}
	c := CreateTopic{Name: name, Partitions: a.d.Partitions, Replication: a.d.replicas(a.m)}
	if _, no := c.check(a.m); no.code == errBadTopic {
		return no.code // collides with another
	} else if no.is() {
		return errUnknownTopic
	}
	c.ID = drawUUID(a.rng)
	a.create = append(a.create, c)
	return errNoLeader
}

// replicas is the replication factor of a topic that doesn't say one.
func (d TopicDefaults) replicas(m *Meta) int16 {
	if d.Replication > 0 {
		return d.Replication
	}
	return int16(min(3, len(m.Brokers)))
}
