package broker

import "strings"

// maxTopicName is the most bytes of a topic's name.
const maxTopicName = 249

// Topics that belong to a Kafka broker itself (common/internals/Topic.java).
const (
	topicOffsets     = "__consumer_offsets"
	topicTxns        = "__transaction_state"
	topicShare       = "__share_group_state"
	topicClusterMeta = "__cluster_metadata"
)

func internalTopic(name string) bool {
	return name == topicOffsets || name == topicTxns || name == topicShare
}

// checkTopicName refuses a name that breaks Kafka's rules, in Kafka's words (Topic.validate).
func checkTopicName(name string) refusal {
	why := ""
	switch {
	case name == "":
		why = "the empty string is not allowed"
	case name == "." || name == "..":
		why = "'" + name + "' is not allowed"
	case len(name) > maxTopicName:
		why = "its length is larger than the max allowed length 249"
	case strings.IndexFunc(name, notTopicChar) >= 0:
		why = "it contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
	default:
		return refusal{}
	}
	return refusal{errBadTopic, "Topic name is invalid: " + why}
}

func notTopicChar(c rune) bool {
	return c > 127 || !alphanumeric(byte(c)) && c != '.' && c != '_' && c != '-'
}

// collide tells whether two different names are equal once '.' and '_' are taken for the same, as metrics do.
func collide(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && !(dotted(a[i]) && dotted(b[i])) {
			return false
		}
	}
	return a != b
}

func dotted(c byte) bool { return c == '.' || c == '_' }
