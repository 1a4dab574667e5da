package group

import (
	"fmt"
	"slices"
	"strings"
)

// States of a member, as its record has them (Kafka's MemberState; in the log, don't change).
const (
	memberStable     = int8(0) // it has what the target gives it
	memberUnrevoked  = int8(1) // it has been asked to give partitions back, and hasn't yet
	memberUnreleased = int8(2) // others have been asked to give back what it is to get
)

// Member epochs with a meaning of their own (KIP-848).
const (
	epochJoin        = int32(0)
	epochLeave       = int32(-1)
	epochStaticLeave = int32(-2) // of a static member that will be back
)

// consumer is a consumer group, as KIP-848 has them. All of it is said by the group's records: [consumer.apply] is the only
// place that changes it. Records that are on their way have been applied already; nothing of the group is answered or done
// before they are committed (C7), and if they never are, the table has what there was before.
//
//	group epoch   ≥ target epoch ≥ member epochs                       (K1)
//	target        what each member is to have, at the target epoch
//	members       what each has, and must give back
//	owners        whose a partition is: it has it, or hasn't given it back (K2)
type consumer struct {
	id          string
	epoch       int32
	hash        int64 // of the topics subscribed to, when the epoch began
	targetEpoch int32
	ids         []string // of members, sorted
	members     map[string]consumerMember
	statics     map[string]string // instance id to member id
	target      map[string]Set
	owners      map[Part]string
	regexes     map[string]regexValue
}

// consumerMember is one member, whose records are these two; a value, replaced as a whole.
type consumerMember struct {
	id string
	memberValue
	currentValue
}

func newConsumer(id string) *consumer {
	return &consumer{id: id, members: map[string]consumerMember{}, statics: map[string]string{}, target: map[string]Set{},
		owners: map[Part]string{}, regexes: map[string]regexValue{}}
}

// maxEpoch is more epochs or generations than any group comes to, and leaves room to go on from.
const maxEpoch = 1 << 30

// loadConsumer makes a group of its table, nil if that has none.
func loadConsumer(id string, t *table) (*consumer, error) {
	c, found := newConsumer(id), false
	for _, key := range t.keys() {
		k, err := decodeConsumerKey([]byte(key))
		if err != nil {
			return nil, err
		}
		if k.kind == kindConsumerGroup {
			found = true
		}
		if k.kind != kindGroup {
			if err := c.apply(k, t.others[key]); err != nil {
				return nil, err
			}
		}
	}
	if !found {
		return nil, nil
	}
	if c.epoch > maxEpoch {
		return nil, fmt.Errorf("%w: group %q: epoch %d, at most %d can be", ErrUnknownRecord, c.id, c.epoch, maxEpoch)
	}
	if err := c.sound(); err != nil { // nothing here wrote that: it is no group to go on with
		return nil, fmt.Errorf("%w: %w", ErrUnknownRecord, err)
	}
	return c, nil
}

// sound says what doesn't hold between the parts of a group: it is asserted before they are written, and asked of what was read.
func (c *consumer) sound() error {
	if c.targetEpoch > c.epoch {
		return fmt.Errorf("invariant K1: group %q: target epoch %d, group epoch %d", c.id, c.targetEpoch, c.epoch)
	}
	for _, id := range c.ids {
		if m := c.members[id]; m.epoch > c.targetEpoch {
			return fmt.Errorf("invariant K1: group %q: member %q is at epoch %d, the target at %d", c.id, id, m.epoch, c.targetEpoch)
		}
	}
	return nil
}

// apply has a record take effect; a nil value is a tombstone.
func (c *consumer) apply(k consumerKey, value []byte) (err error) {
	switch k.kind {
	case kindConsumerGroup:
		var v epochValue
		if value != nil {
			v, err = decodeEpoch(value)
		}
		c.epoch, c.hash = v.epoch, v.hash
	case kindConsumerTarget:
		var v epochValue
		if value != nil {
			v, err = decodeEpoch(value)
		}
		c.targetEpoch = v.epoch
	case kindConsumerTargetMember:
		delete(c.target, k.of)
		if value != nil {
			c.target[k.of], err = decodeTarget(value)
		}
	case kindConsumerMember:
		err = c.applyMember(k.of, value)
	case kindConsumerCurrent:
		err = c.applyCurrent(k.of, value)
	case kindConsumerRegularExpression:
		delete(c.regexes, k.of)
		if value != nil {
			c.regexes[k.of], err = decodeRegex(value)
		}
	case kindConsumerPartitions:
	default:
		err = fmt.Errorf("%w: kind %d in consumer group %q", ErrUnknownRecord, k.kind, c.id)
	}
	return err
}

func (c *consumer) applyMember(id string, value []byte) error {
	old, known := c.members[id]
	if known && old.instance != nil && c.statics[*old.instance] == id {
		delete(c.statics, *old.instance)
	}
	if value == nil {
		c.disown(old)
		delete(c.members, id)
		if i, found := slices.BinarySearch(c.ids, id); found {
			c.ids = slices.Delete(c.ids, i, i+1)
		}
		return nil
	}
	v, err := decodeMember(value)
	if err != nil {
		return err
	}
	c.put(consumerMember{id, v, old.currentValue})
	if v.instance != nil {
		c.statics[*v.instance] = id
	}
	return nil
}

func (c *consumer) applyCurrent(id string, value []byte) error {
	old, known := c.members[id]
	c.disown(old)
	if value == nil {
		if known {
			c.put(consumerMember{id, old.memberValue, currentValue{}})
		}
		return nil
	}
	v, err := decodeCurrent(value)
	if err != nil {
		return err
	}
	for _, s := range []Set{v.assigned, v.revoke} {
		for _, p := range s {
			if other, taken := c.owners[p]; taken {
				return fmt.Errorf("%w: invariant K2: group %q: partition %d of topic %x is given to %q, and %q has it", ErrUnknownRecord, c.id, p.Part, p.Topic, id, other)
			}
			c.owners[p] = id
		}
	}
	c.put(consumerMember{id, old.memberValue, v})
	return nil
}

func (c *consumer) put(m consumerMember) {
	if i, found := slices.BinarySearch(c.ids, m.id); !found {
		c.ids = slices.Insert(c.ids, i, m.id)
	}
	c.members[m.id] = m
}

func (c *consumer) disown(m consumerMember) {
	for _, s := range []Set{m.assigned, m.revoke} {
		for _, p := range s {
			if c.owners[p] == m.id {
				delete(c.owners, p)
			}
		}
	}
}

// static returns the member that has an instance id.
func (c *consumer) static(instance string) (consumerMember, bool) {
	id, ok := c.statics[instance]
	return c.members[id], ok
}

// classics is how many members speak the classic protocol.
func (c *consumer) classics() (n int) {
	for _, id := range c.ids {
		if c.members[id].classic != nil {
			n++
		}
	}
	return n
}

// Names of a consumer group's states (Kafka's ConsumerGroupState).
const (
	stateEmpty       = "Empty"
	stateAssigning   = "Assigning"
	stateReconciling = "Reconciling"
	stateStable      = "Stable"
)

func (c *consumer) state() string {
	switch {
	case len(c.ids) == 0:
		return stateEmpty
	case c.epoch > c.targetEpoch:
		return stateAssigning
	}
	for _, id := range c.ids {
		if m := c.members[id]; m.state != memberStable || m.epoch != c.targetEpoch {
			return stateReconciling
		}
	}
	return stateStable
}

// assignor is the name of the assignor that most members ask for, the earlier in our list of as many.
func (c *consumer) assignor() string {
	name, most := assignors[0].name, 0
	for _, a := range assignors {
		n := 0
		for _, id := range c.ids {
			if want := c.members[id].assignor; want != nil && *want == a.name {
				n++
			}
		}
		if n > most {
			name, most = a.name, n
		}
	}
	return name
}

// subscription is equal for members that want the same.
func (m consumerMember) subscription() string {
	return m.regex + "\x00" + strings.Join(m.topics, "\x00")
}

// subscribed are the topics that a member wants and that exist, by id.
func (c *consumer) subscribed(m consumerMember, topics Topics) [][16]byte {
	var ids [][16]byte
	for _, names := range [][]string{m.topics, c.regexes[m.regex].topics} {
		for _, name := range names {
			if id, _, ok := topics.Topic(name); ok {
				ids = append(ids, id)
			}
		}
	}
	slices.SortFunc(ids, compareTopics)
	return slices.Compact(ids)
}

// topicsHash changes when a topic that members want comes, goes, or gets more partitions. Kafka's differs in its function
// and takes racks in too (KIP-1101); it is compared only with itself.
func (c *consumer) topicsHash(topics Topics) int64 {
	var names []string
	same := map[string]bool{}
	for _, id := range c.ids {
		m := c.members[id]
		key := m.subscription()
		if same[key] {
			continue
		}
		same[key] = true
		names = append(append(names, m.topics...), c.regexes[m.regex].topics...)
	}
	slices.Sort(names)
	h := newHash()
	for _, name := range slices.Compact(names) {
		if id, n, ok := topics.Topic(name); ok {
			h.add(name, id, n)
		}
	}
	return h.sum()
}
