package broker

import (
	"strings"
	"testing"
)

func TestTopicNames(t *testing.T) {
	for _, name := range []string{"a", "A.b_c-9", "...", strings.Repeat("x", 249), "__consumer_offsets"} {
		if no := checkTopicName(name); no.is() {
			t.Errorf("%q is refused: %v", name, no)
		}
	}
	for _, name := range []string{"", ".", "..", strings.Repeat("x", 250), "a b", "a/b", "ä", "a\x00", "a\xff", "日"} {
		if no := checkTopicName(name); no.code != errBadTopic {
			t.Errorf("%q: %v, expected INVALID_TOPIC_EXCEPTION", name, no)
		}
	}
}

func TestCollisions(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"a.b", "a_b", true}, {"a.b", "a.b", false}, {"a.b_c", "a_b.c", true}, {"a.b", "a-b", false}, {"a.b", "a.bc", false}, {"a.b", "c_b", false},
	} {
		if collide(c.a, c.b) != c.want || collide(c.b, c.a) != c.want {
			t.Errorf("collide(%s, %s), expected %t", c.a, c.b, c.want)
		}
	}
}
