package broker

// A request may name one thing many times in a few bytes, and so ask for work, or for an answer, out of all proportion: it is done once
// at the most.

// namedTwice are the partitions that a request names more than once: Kafka refuses them in ListOffsets. Each calls name for all of them.
func namedTwice(each func(name func(topic string, part int32))) map[fetchKey]bool {
	seen := map[fetchKey]bool{} // and whether again
	each(func(topic string, part int32) {
		key := fetchKey{topic: topic, part: part}
		_, again := seen[key]
		seen[key] = again
	})
	return seen
}

// namedOnce are the rows of a request that name a group, without those that name one again.
func namedOnce[R any](rows []R, name func(R) string) []R {
	out := make([]R, 0, len(rows))
	seen := map[string]bool{}
	for _, r := range rows {
		if id := name(r); !seen[id] {
			seen[id], out = true, append(out, r)
		}
	}
	return out
}

func itself(id string) string { return id }
