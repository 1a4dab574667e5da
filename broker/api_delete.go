package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// deletePlan is a DeleteTopics request under way.
type deletePlan struct {
	resp    *kmsg.DeleteTopicsResponse
	deletes []DeleteTopic
	rows    []int // deletes[i] is answered by resp.Topics[rows[i]]
}

// planDeleteTopics plans a DeleteTopics request: by name up to version 5, by name or id from 6 on. What no metadata could
// allow is refused without a proposal, in the words of Kafka's ControllerApis.deleteTopics (whose order of answers is
// random); m is looked at only to find a topic asked for by name and by id.
func planDeleteTopics(req *kmsg.DeleteTopicsRequest, m *Meta) *deletePlan {
	p := &deletePlan{resp: kmsg.NewPtrDeleteTopicsResponse()}
	p.resp.Version = req.Version
	p.resp.Topics = []kmsg.DeleteTopicsResponseTopic{}
	wants := req.Topics
	if req.Version < 6 {
		wants = make([]kmsg.DeleteTopicsRequestTopic, len(req.TopicNames))
		for i := range req.TopicNames {
			wants[i].Topic = &req.TopicNames[i]
		}
	}
	names, ids := map[string]int{}, map[UUID]int{}
	for _, w := range wants {
		switch {
		case w.Topic == nil:
			ids[w.TopicID]++
		case UUID(w.TopicID).IsZero():
			names[*w.Topic]++
		}
	}
	both := map[UUID]bool{} // asked for by name and by id: neither is done, as in Kafka
	for _, w := range wants {
		if w.Topic != nil && names[*w.Topic] == 1 {
			if t := m.TopicByName(*w.Topic); t != nil && ids[t.ID] > 0 {
				both[t.ID] = true
			}
		}
	}
	for _, w := range wants {
		id := UUID(w.TopicID)
		switch {
		case w.Topic == nil && id.IsZero():
			p.refuse(w, refuse(errBadRequest, "Neither topic name nor id were specified."))
		case w.Topic != nil && !id.IsZero():
			p.refuse(w, refuse(errBadRequest, "You may not specify both topic name and topic id."))
		case w.Topic == nil && ids[id] > 0:
			p.add(w, m, ids[id] > 1, both, "Duplicate topic id.")
			ids[id] = 0 // answered
		case w.Topic != nil && names[*w.Topic] > 0:
			p.add(w, m, names[*w.Topic] > 1, both, "Duplicate topic name.")
			names[*w.Topic] = 0
		}
	}
	return p
}

// add plans one deletion, or refuses it as named more than once.
func (p *deletePlan) add(w kmsg.DeleteTopicsRequestTopic, m *Meta, again bool, both map[UUID]bool, why string) {
	if again {
		p.refuse(w, refuse(errBadRequest, "%s", why))
		return
	}
	d := DeleteTopic{ID: w.TopicID}
	if w.Topic != nil {
		d.Name = *w.Topic
	}
	t, _ := d.find(m)
	switch {
	case t != nil && internalTopic(t.Name): // Kafka's controller would do it, and all committed offsets be lost
		p.refuse(w, refuse(errBadTopic, "Topic '%s' is the brokers' own.", t.Name))
	case t != nil && both[t.ID]:
		p.refuse(w, refuse(errBadRequest, "The provided topic name maps to an ID that was already supplied."))
	case len(p.deletes) == maxTopicsPerRequest:
		p.refuse(w, refuse(errPolicy, "a request deletes at most %d topics: ask for the rest in another", maxTopicsPerRequest))
	default:
		p.deletes, p.rows = append(p.deletes, d), append(p.rows, len(p.resp.Topics))
		p.refuse(w, refuse(errTimedOut, unclearChange)) // until its result comes
	}
}

func (p *deletePlan) refuse(w kmsg.DeleteTopicsRequestTopic, no refusal) {
	row := kmsg.NewDeleteTopicsResponseTopic()
	row.Topic, row.TopicID = w.Topic, w.TopicID
	row.ErrorCode, row.ErrorMessage = no.code, messageOf(no.code, no.message)
	p.resp.Topics = append(p.resp.Topics, row)
}

func (p *deletePlan) commands() []Command {
	out := make([]Command, len(p.deletes))
	for i, d := range p.deletes {
		out[i] = d
	}
	return out
}

func (p *deletePlan) set(i int, r Result) {
	row := &p.resp.Topics[p.rows[i]]
	row.ErrorCode, row.ErrorMessage = r.Code, messageOf(r.Code, r.Message)
	if r.Topic != nil {
		row.Topic, row.TopicID = &r.Topic.Name, r.Topic.ID
	}
}

func (p *deletePlan) response() kmsg.Response { return p.resp }
