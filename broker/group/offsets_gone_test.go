package group

import "testing"

// A broker whose metadata is behind doesn't know topics that are there; their offsets aren't gone (C6).
func TestGoneIsOnlyWhatWasSeen(t *testing.T) {
	id := [16]byte{15: 1}
	for _, c := range []struct {
		o    offset
		want bool
	}{
		{offset{topic: id, seen: 0}, true},
		{offset{topic: id, seen: 1}, false}, // noTopics is version 0
		{offset{}, false},
	} {
		if got := c.o.gone(noTopics{}); got != c.want {
			t.Errorf("%+v: %t", c.o, got)
		}
	}
}
