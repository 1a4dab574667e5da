package broker

import (
	"math"
	"slices"
)

// check refuses a topic that can't be made in m, in the order that Kafka's controller checks in
// (ReplicationControlManager.createTopics): name, existence, configs, then assignment or counts. It returns the configs as
// they are stored.
func (c CreateTopic) check(m *Meta) ([]TopicConfig, refusal) {
	if no := c.checkName(m); no.is() {
		return nil, no
	}
	configs, no := c.lint()
	if no.is() {
		return nil, no
	}
	return configs, c.checkRoom(m)
}

// checkName refuses a name that is invalid, or taken, or too much like another.
func (c CreateTopic) checkName(m *Meta) refusal {
	if no := checkTopicName(c.Name); no.is() {
		return no
	}
	if m.TopicByName(c.Name) != nil {
		return refuse(errExists, "Topic '%s' already exists.", c.Name)
	}
	for _, t := range m.byName {
		if collide(t.Name, c.Name) {
			return refuse(errBadTopic, "Topic '%s' collides with existing topic: %s", c.Name, t.Name)
		}
	}
	return refusal{}
}

// lint refuses what no metadata could allow, the name aside, and returns the configs as they are stored.
func (c CreateTopic) lint() ([]TopicConfig, refusal) {
	configs, no := normalConfigs(c.Configs)
	switch {
	case no.is():
	case len(c.Assignment) > 0:
		no = c.lintAssignment()
	case c.Replication < 1:
		no = refuse(errBadReplication, "Replication factor must be larger than 0, or -1 to use the default value.")
	case c.Partitions < 1:
		no = refuse(errBadPartitions, "Number of partitions was set to an invalid non-positive value.")
	}
	if !no.is() && c.partitions() > maxTopicPartitions {
		no = refuse(errBadPartitions, "%d partitions, a topic has at most %d", c.partitions(), maxTopicPartitions)
	}
	return configs, no
}

// partitions is how many there will be.
func (c CreateTopic) partitions() int {
	if len(c.Assignment) > 0 {
		return len(c.Assignment)
	}
	return int(c.Partitions)
}

// lintAssignment is what Kafka's createTopic and validateManualPartitionAssignment check without looking at brokers.
func (c CreateTopic) lintAssignment() refusal {
	if c.Replication != -1 {
		return refuse(errBadRequest, "A manual partition assignment was specified, but replication factor was not set to -1.")
	}
	if c.Partitions != -1 {
		return refuse(errBadRequest, "A manual partition assignment was specified, but numPartitions was not set to -1.")
	}
	for _, brokers := range c.Assignment {
		if len(brokers) == 0 {
			return refuse(errBadAssignment, "The manual partition assignment includes an empty replica list.")
		}
		if len(brokers) > maxBrokers { // so that what follows is bounded
			return refuse(errBadAssignment, "The manual partition assignment includes %d replicas, a cluster has at most %d brokers.", len(brokers), maxBrokers)
		}
		for i, b := range brokers {
			if slices.Contains(brokers[:i], b) {
				return refuse(errBadAssignment, "The manual partition assignment includes the broker %d more than once.", b)
			}
		}
		if len(brokers) != len(c.Assignment[0]) {
			return refuse(errBadAssignment, "The manual partition assignment includes a partition with %d replica(s), but this is not consistent with previous partitions, which have %d replica(s).",
				len(brokers), len(c.Assignment[0]))
		}
	}
	return refusal{}
}

// checkRoom refuses what m's brokers can't take.
func (c CreateTopic) checkRoom(m *Meta) refusal {
	if len(c.Assignment) == 0 && int(c.Replication) > len(m.Brokers) {
		return refuse(errBadReplication, "Unable to replicate the partition %d time(s): The target replication factor of %d cannot be reached because only %d broker(s) are registered.",
			c.Replication, c.Replication, len(m.Brokers))
	}
	for _, brokers := range c.Assignment {
		for _, b := range brokers {
			if m.Broker(b) == nil {
				return refuse(errBadAssignment, "The manual partition assignment includes broker %d, but no such broker is registered.", b)
			}
		}
	}
	if c.partitions()+m.partitions() > maxPartitions {
		return refuse(errPolicy, "%d more partitions, the cluster has %d and at most %d", c.partitions(), m.partitions(), maxPartitions)
	}
	return refusal{}
}

func (c CreateTopic) apply(m *Meta) (*Meta, Result) {
	configs, no := c.check(m)
	if no.is() {
		return m, refusedBy(no)
	}
	if c.ID.IsZero() || m.TopicByID(c.ID) != nil {
		return m, refusedBy(refuse(errBadRequest, "Topic '%s' can't have id %s, which is zero or another topic's.", c.Name, c.ID))
	}
	next := *m
	brokers := c.Assignment
	if len(brokers) == 0 {
		brokers = m.place(int(c.Partitions), int(c.Replication))
	}
	t := &Topic{Name: c.Name, ID: c.ID, Configs: configs, Partitions: make([]Placement, len(brokers))}
	number, ok := next.drawReplicas(len(brokers) * len(brokers[0]))
	if !ok || next.NextGroup > math.MaxInt64 {
		return m, outOfReplicas()
	}
	for n, on := range brokers {
		p := Placement{Group: next.NextGroup, Replicas: make([]Replica, len(on))}
		next.NextGroup++
		for i, b := range on {
			p.Replicas[i] = Replica{Broker: b, ID: replicaID(b, number), Incarnation: m.Broker(b).Incarnation}
			number++
		}
		t.Partitions[n] = p
	}
	return next.with(t), Result{Topic: t}
}

func (d DeleteTopic) apply(m *Meta) (*Meta, Result) {
	t, no := d.find(m)
	if no.is() {
		return m, refusedBy(no)
	}
	return m.without(t), Result{Topic: t}
}

// find returns the topic that is meant.
func (d DeleteTopic) find(m *Meta) (*Topic, refusal) {
	if !d.ID.IsZero() {
		if t := m.TopicByID(d.ID); t != nil {
			return t, refusal{}
		}
		return nil, refuse(errUnknownID, "This server does not host this topic ID.")
	}
	if t := m.TopicByName(d.Name); t != nil {
		return t, refusal{}
	}
	return nil, refuse(errUnknownTopic, "This server does not host this topic-partition.")
}
