package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestParseSpan(t *testing.T) {
	zone := time.FixedZone("z", 3600)
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, zone)
	p := func(k placeKind, n int64) place { return place{kind: k, n: n} }
	for _, c := range []struct {
		in   string
		from place
		to   *place
	}{
		{"start", p(placeStart, 0), nil},
		{"42", p(placeOffset, 42), nil},
		{"-7", p(placeFromEnd, 7), nil},
		{"+7", p(placeFromHead, 7), nil},
		{":", p(placeStart, 0), new(p(placeEnd, 0))},
		{"5:", p(placeOffset, 5), new(p(placeEnd, 0))},
		{":-5", p(placeStart, 0), new(p(placeFromEnd, 5))},
		{"@1000", p(placeTime, 1000), nil},
		{"@-90m", p(placeTime, now.Add(-90*time.Minute).UnixMilli()), nil},
		{"@2026-11-22T10:00:00Z", p(placeTime, 1795341600000), nil},
		{"@2026-11-22T11:00", p(placeTime, 1795341600000), nil},
		{"@2026-11-22T11:00:@2026-11-22T10:00:00.5Z", p(placeTime, 1795341600000), new(p(placeTime, 1795341600500))},
	} {
		got, err := parseSpan(c.in, now)
		if err != nil || got.from != c.from || (got.to == nil) != (c.to == nil) || got.to != nil && *got.to != *c.to {
			t.Errorf("%q: got %+v %v %v, want %+v %v", c.in, got.from, got.to, err, c.from, c.to)
		}
	}
	for _, bad := range []string{"", "x", "--5", "5:x", "@", "@yesterday", "1:2:3", "99999999999999999999", "+-1", "1.5"} {
		if got, err := parseSpan(bad, now); err == nil {
			t.Errorf("%q is understood as %+v", bad, got)
		}
	}
}

func TestFormat(t *testing.T) {
	r := &kgo.Record{Topic: "t", Partition: 1, Offset: 2, LeaderEpoch: 3, Key: []byte("k"), Timestamp: time.UnixMilli(1795358560583),
		Headers: []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "b"}}}
	for in, want := range map[string]string{
		``:                        "",
		`%t/%p@%o#%e`:             "t/1@2#3",
		`%k=%v %K %V`:             "k= 1 -1",
		`%T %D`:                   "1795358560583 2026-11-22T14:42:40.583Z",
		`[%h]`:                    "[a=1,b=]",
		`100%%\t\\n\n\x41\0`:      "100%\t\\n\nA\x00",
		`é%t`:                     "ét",
		strings.Repeat("%o", 100): strings.Repeat("2", 100),
	} {
		f, err := parseFormat(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		var b []byte
		for _, piece := range f {
			b = piece(b, r)
		}
		if d := cmp.Diff(want, string(b)); d != "" {
			t.Errorf("%q: %s", in, d)
		}
	}
	for _, bad := range []string{`%`, `%z`, `\`, `\y`, `\x`, `\x4`, `\xzz`, `a%`} {
		if _, err := parseFormat(bad); err == nil {
			t.Errorf("%q is understood", bad)
		}
	}
}

func FuzzFormat(f *testing.F) {
	for _, s := range []string{`%v\n`, `%t %p %o`, `\x41%%`, `%`, `\`} {
		f.Add(s)
	}
	r := &kgo.Record{Topic: "t", Timestamp: time.UnixMilli(0)}
	f.Fuzz(func(t *testing.T, s string) {
		pieces, err := parseFormat(s)
		if _, err2 := unescape(s); err == nil && !strings.Contains(s, "%") && err2 != nil {
			t.Errorf("%q is a format but no text: %v", s, err2)
		}
		for _, p := range pieces {
			p(nil, r)
		}
	})
}

func FuzzSpan(f *testing.F) {
	for _, s := range []string{"start:end", "-5", "@-1h:@2026-01-01", "1:2", "::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		sp, err := parseSpan(s, time.UnixMilli(0))
		if err != nil {
			return
		}
		// Whatever is asked, reading begins and ends inside of the partition or where the user said.
		from := sp.from.at(10, 20, -1)
		if sp.from.kind != placeOffset && (from < 10 || from > 20) {
			t.Errorf("%q begins at %d of [10, 20)", s, from)
		}
	})
}
