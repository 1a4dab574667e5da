package sim

import (
	"errors"
	"strings"
	"testing"
)

// What a story asks for beyond all measure, or below zero, is refused with what was given, and no panic.
func TestStoryBounds(t *testing.T) {
	for line, want := range map[string]string{ // order: independent
		"options Limits.ElectionTicks=0\nrun 1s":                 "Limits.ElectionTicks is 0",
		"options Limits.HeartbeatTicks=100\nrun 1s":              "Limits.HeartbeatTicks is 100",
		"options Load.Bytes=0\nrun 1s":                           "Load.Bytes and Load.Records are 0",
		"options Net.Drop=-1000\nrun 1s":                         "Net.Drop is -1000",
		"options Disk.Stall=99999999999999\nrun 1s":              "Disk.Stall is 99999999999999",
		"produce orders/0 3 size=99999999999":                    "99999999999: expected 1 to",
		"produce orders/0 -3":                                    "-3: expected 1 to",
		"run -1s":                                                "time -1s: expected 0s to",
		"pause 1 for=-2s":                                        "time -2s: expected 0s to",
		"crash 1 back=-2s":                                       "time -2s: expected 0s to",
		"produce orders/0 3 within 10s\nrot 1 index orders/0 -1": "no number -1",
		"rot 1 file logd.meta 3 bit=9":                           "expected bit=0 to bit=7",
		"when 2 choked crash 2":                                  "",
		"when any elected hush 2s":                               "only crash, isolate, pause",
	} {
		story, err := ParseStory("# why\n" + line + "\nfinish\n")
		if err == nil {
			err = Tell(story, Env{}).Err
		}
		if want == "" && err != nil && !errors.Is(err, ErrAnswers) || want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "panic")) {
			t.Errorf("%s: %v, expected %q", line, err, want)
		}
	}
}
