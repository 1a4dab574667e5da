package broker

import (
	"errors"
	"fmt"
)

// commandVersion is the highest version of commands that this logd understands. On disk, don't change: a new or changed
// command takes a higher number, and is proposed only once every broker is known to understand it ([Raise]).
//
//	1  Form, Register, Replace, Removed, CreateTopic, DeleteTopic
//	2  Raise, AlterTopic; the setting segment.ms
//	3  GiveIDs, and with it idempotent producers: their tables in marks, and a partition's command of kind 2;
//	   the settings message.timestamp.before.max.ms and message.timestamp.after.max.ms
//	4  AlterGroup
const commandVersion = 4

// Command is a change of the metadata, as an entry of group 1: one of [Form], [Register], [Replace], [Removed],
// [CreateTopic], [DeleteTopic], [AlterTopic], [Raise], [GiveIDs], [AlterGroup].
type Command interface {
	apply(m *Meta) (*Meta, Result)
	// version is the first command version that has the command, as it is. It is written with it, so that a broker that
	// doesn't know it sees that.
	version() int
}

type (
	// Form begins a cluster: it is group 1's first command, and each broker gets a replica of that group, numbered from 1
	// in the order of ids (as [FormReplicas] says).
	Form struct {
		ClusterID UUID         `json:"cluster"`
		Brokers   []FormBroker `json:"brokers"`
	}
	// FormBroker is a broker that a cluster forms with.
	FormBroker struct {
		ID          int32  `json:"id"`
		Incarnation uint64 `json:"inc"`
	}
	// Register says at which address a broker serves clients. It is refused if another incarnation, or a
	// higher generation of it, is on record (S7).
	Register struct {
		Broker      int32  `json:"id"`
		Incarnation uint64 `json:"inc"`
		Generation  uint64 `json:"gen,omitempty"`
		Boot        uint64 `json:"boot,omitempty"`
		Host        string `json:"host"`
		Port        int32  `json:"port"`
		Rack        string `json:"rack,omitempty"`
	}
	// Replace says that a broker's directory was wiped (S7): New takes the place of Old, under new replica ids in every
	// group that the broker has a replica of; the old ids are to be removed. Refused if Old isn't on record, or if New ever
	// was and no more is. Old is 0 for a broker that the cluster never had: it joins, with a replica of group 1.
	Replace struct {
		Broker int32  `json:"id"`
		Old    uint64 `json:"old"`
		New    uint64 `json:"new"`
	}
	// Removed is a group's leader reporting that its configuration no longer has an old replica.
	Removed struct {
		Group   uint64 `json:"group"`
		Replica uint64 `json:"replica"`
	}
	// CreateTopic makes a topic. Either Partitions and Replication are positive, or both are -1 and Assignment names the
	// brokers of each partition. The id is drawn by who proposes.
	CreateTopic struct {
		Name        string        `json:"name"`
		ID          UUID          `json:"id"`
		Partitions  int32         `json:"partitions"`
		Replication int16         `json:"replication"`
		Assignment  [][]int32     `json:"assignment,omitempty"`
		Configs     []TopicConfig `json:"configs,omitempty"`
	}
	// DeleteTopic removes a topic by id, or by name if the id is zero.
	DeleteTopic struct {
		Name string `json:"name,omitempty"`
		ID   UUID   `json:"id"`
	}
	// AlterTopic changes settings of a topic: all that it names, in order, or none.
	AlterTopic struct {
		Name    string         `json:"name"`
		Changes []ConfigChange `json:"changes"`
	}
	// Raise says that every broker understands commands of a version: from now on they may be proposed (M8). It is of that
	// version itself.
	Raise struct {
		Level int `json:"level"`
	}
	// GiveIDs gives whoever proposes it so many producer ids that nobody had before (M9), from the result's First on.
	GiveIDs struct {
		Count int64 `json:"count"`
	}
)

func (Form) version() int          { return 1 }
func (Register) version() int      { return 1 }
func (Replace) version() int       { return 1 }
func (Removed) version() int       { return 1 }
func (c CreateTopic) version() int { return configsSince(c.Configs) }
func (DeleteTopic) version() int   { return 1 }
func (c AlterTopic) version() int  { return max(2, changesSince(c.Changes)) }
func (r Raise) version() int       { return max(2, r.Level) }
func (GiveIDs) version() int       { return producersVersion }

// Result is what a command came to.
type Result struct {
	Code    int16 // a Kafka error code; 0 if the command was applied (or had been, and changes nothing again)
	Message string
	Topic   *Topic // the topic that was created or deleted
	First   int64  // the first of the producer ids that were given
}

// Err returns the result as an error, or nil.
func (r Result) Err() error {
	if r.Code == errNone {
		return nil
	}
	return fmt.Errorf("metadata command refused with code %d: %s", r.Code, r.Message)
}

func refusedBy(no refusal) Result { return Result{Code: no.code, Message: no.message} }

// commandDoc is the encoding of a command; exactly one of the pointers is set.
type commandDoc struct {
	Version  int          `json:"v"`
	Form     *Form        `json:"form,omitempty"`
	Register *Register    `json:"register,omitempty"`
	Replace  *Replace     `json:"replace,omitempty"`
	Removed  *Removed     `json:"removed,omitempty"`
	Create   *CreateTopic `json:"create,omitempty"`
	Delete   *DeleteTopic `json:"delete,omitempty"`
	Alter    *AlterTopic  `json:"alter,omitempty"`
	Raise    *Raise       `json:"raise,omitempty"`
	GiveIDs  *GiveIDs     `json:"ids,omitempty"`
	AlterG   *AlterGroup  `json:"alterGroup,omitempty"`
}

// EncodeCommand returns a command as an entry's data.
func EncodeCommand(c Command) []byte {
	doc := commandDoc{Version: c.version()}
	switch c := c.(type) {
	case Form:
		doc.Form = &c
	case Register:
		doc.Register = &c
	case Replace:
		doc.Replace = &c
	case Removed:
		doc.Removed = &c
	case CreateTopic:
		doc.Create = &c
	case DeleteTopic:
		doc.Delete = &c
	case AlterTopic:
		doc.Alter = &c
	case Raise:
		doc.Raise = &c
	case GiveIDs:
		doc.GiveIDs = &c
	case AlterGroup:
		doc.AlterG = &c
	default:
		panic(fmt.Sprintf("broker: %T is no metadata command", c))
	}
	return mustEncode(doc)
}

func decodeCommand(b []byte) (Command, error) {
	var doc commandDoc
	if err := decodeStrict(b, &doc); err != nil {
		return nil, err
	}
	var found []Command
	if doc.Form != nil {
		found = append(found, *doc.Form)
	}
	if doc.Register != nil {
		found = append(found, *doc.Register)
	}
	if doc.Replace != nil {
		found = append(found, *doc.Replace)
	}
	if doc.Removed != nil {
		found = append(found, *doc.Removed)
	}
	if doc.Create != nil {
		found = append(found, *doc.Create)
	}
	if doc.Delete != nil {
		found = append(found, *doc.Delete)
	}
	if doc.Alter != nil {
		found = append(found, *doc.Alter)
	}
	if doc.Raise != nil {
		found = append(found, *doc.Raise)
	}
	if doc.GiveIDs != nil {
		found = append(found, *doc.GiveIDs)
	}
	if doc.AlterG != nil {
		found = append(found, *doc.AlterG)
	}
	if doc.Version < 1 || doc.Version > commandVersion {
		return nil, fmt.Errorf("version %d, this logd understands 1 to %d", doc.Version, commandVersion)
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("%d commands in one entry, expected 1", len(found))
	}
	if v := found[0].version(); v != doc.Version {
		return nil, fmt.Errorf("a command of version %d is written as one of version %d", v, doc.Version)
	}
	return found[0], nil
}

// ErrUnknownCommand is wrapped by [CheckCommand]: this version can't tell what the command does.
var ErrUnknownCommand = errors.New("unknown metadata command")

// CheckCommand tells whether an entry of group 1 is a command that this version understands. One that isn't may be from a
// newer logd, whose brokers do apply it; a shard that went on would differ from them, so it halts.
func CheckCommand(cmd []byte) error {
	if _, err := decodeCommand(cmd); err != nil {
		return fmt.Errorf("%w: %w", ErrUnknownCommand, err)
	}
	return nil
}

// Apply returns the metadata after one more command, and what it came to. A command that can't be read, or that is
// refused, changes nothing but Index. index is the entry's; it must be above m.Index.
func (m *Meta) Apply(index uint64, cmd []byte) (*Meta, Result) {
	m = m.At(index)
	c, err := decodeCommand(cmd)
	if err != nil {
		return m, refusedBy(refuse(errUnsupported, "%v: %v", ErrUnknownCommand, err))
	}
	if _, forms := c.(Form); !forms && !m.Formed() {
		return m, refusedBy(refuse(errOtherCluster, "the cluster hasn't formed yet"))
	}
	if no := m.allowed(c); no.is() {
		return m, refusedBy(no)
	}
	next, r := c.apply(m)
	if r.Code != errNone {
		return m, r
	}
	return next, r
}
