package group

// dropGone deletes the offsets of topics that were deleted, as Kafka's OffsetMetadataManager.onPartitionsDeleted does. Kafka's
// coordinator hears of each deletion once and goes by the name; here an offset says itself which topic it is of, so it goes whoever
// coordinates by then, and is never taken for one of a topic that was made later under the same name. A broker whose metadata is
// behind doesn't know topics that are there: so a topic is gone only for one that has seen more than whoever committed (C6).
func (m *Machine) dropGone() {
	for _, g := range m.sorted() {
		if g.hasGone(m.topics) {
			m.admit(g, op{need: needWhole, run: m.dropGoneOf})
		}
	}
}

func (g *group) hasGone(topics Topics) bool {
	for _, o := range g.table.offsets { // order: any will do
		if o.gone(topics) {
			return true
		}
	}
	return false
}

// dropGoneOf deletes as many of them as one write takes, and goes on.
func (m *Machine) dropGoneOf(g *group) {
	var records []Record
	bytes := 0
	for _, k := range g.table.partitions() {
		r := Record{Key: encodeOffsetKey(g.id, k)}
		if !g.table.offsets[k].gone(m.topics) || bytes+r.size() > m.cfg.WriteBytes/2 {
			continue
		}
		records, bytes = append(records, r), bytes+r.size()
	}
	if len(records) == 0 {
		return
	}
	m.writeOr(g, records, func(code int16) {
		if code == None {
			m.admit(g, op{need: needWhole, run: m.dropGoneOf})
		}
	})
}

// gone tells whether an offset's topic was deleted: its id was there once, isn't any more, and no id comes twice.
func (o offset) gone(topics Topics) bool {
	if o.topic == [16]byte{} || o.seen > topics.Version() {
		return false
	}
	_, there := topics.Name(o.topic)
	return !there
}
