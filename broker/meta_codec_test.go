package broker

import (
	"errors"
	"strings"
	"testing"
)

// Each change breaks the invariant named; none may be read.
func TestDecodeMetaChecksInvariants(t *testing.T) {
	m := formed(t, 2)
	m = must(t, m, CreateTopic{Name: "a", ID: id(1), Partitions: 2, Replication: 1})
	m = must(t, m, CreateTopic{Name: "b", ID: id(2), Partitions: 1, Replication: 2, Configs: []TopicConfig{{configMaxMessage, "5"}}})
	m = must(t, m, Replace{Broker: 2, Old: 102, New: 202})
	good := string(m.Encode())
	if back, err := DecodeMeta([]byte(good)); err != nil || !same(back, m) {
		t.Fatalf("read back %v, %v", back, err)
	}
	for _, c := range []struct{ what, old, new string }{
		{"a version from the future", `{"v":1`, `{"v":5`},
		{"M9: ids before they are served", `"nextReplica":`, `"nextProducer":5,"nextReplica":`},
		{"no version", `{"v":1`, `{"v":0`},
		{"an unknown field", `{"v":1`, `{"w":1,"v":1`},
		{"a space", `{"v":1,`, `{"v":1, `},
		{"M1: a broker twice", `{"id":2,"inc":202`, `{"id":1,"inc":202`},
		{"M1: no incarnation", `"inc":101`, `"inc":0`},
		{"M1: a retired incarnation", `"inc":202`, `"inc":102`},
		{"M2: a name twice", `"name":"b"`, `"name":"a"`},
		{"M2: a bad name", `"name":"b"`, `"name":"b/"`},
		{"M2: an id twice", id(2).String(), id(1).String()},
		{"M2: an unknown config", `"n":"max.message.bytes"`, `"n":"max"`},
		{"M2: a config not as stored", `"v":"5"`, `"v":"05"`},
		{"M3: a group twice", `"g":4`, `"g":2`},
		{"M3: a group not given", `"nextGroup":5`, `"nextGroup":4`},
		{"M3: a hole in a topic", `"g":3`, `"g":9`},
		{"M3: another metadata group", `"meta":{"g":1`, `"meta":{"g":2`},
		{"M4: a number not given", `"nextReplica":`, `"nextReplica":1,"x":`},
		{"M4: a broker that isn't", `[4294967297,101]`, `[8589934593,101]`},
		{"M5: another incarnation", `[4294967297,101]`, `[4294967297,100]`},
		{"M5: three numbers", `[4294967297,101]`, `[4294967297,101,2]`},
		{"no cluster", `"cluster":"` + id(200).String(), `"cluster":"AAAAAAAAAAAAAAAAAAAAAA`},
	} {
		bad := strings.Replace(good, c.old, c.new, 1)
		if bad == good {
			t.Fatalf("%s: %s isn't in %s", c.what, c.old, good)
		}
		if _, err := DecodeMeta([]byte(bad)); !errors.Is(err, ErrBadMeta) {
			t.Errorf("%s was read: %v", c.what, err)
		}
	}
}

func FuzzDecodeMeta(f *testing.F) {
	m := formed(f, 2)
	m = must(f, m, CreateTopic{Name: "a", ID: id(1), Partitions: 2, Replication: 2, Configs: []TopicConfig{{configMaxMessage, "5"}}})
	m = must(f, m, Replace{Broker: 2, Old: 102, New: 202})
	f.Add(m.Encode())
	f.Add(NewMeta().Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := DecodeMeta(b)
		if err == nil && string(m.Encode()) != string(b) {
			t.Errorf("%q is written as %q", b, m.Encode())
		}
	})
}

func FuzzApply(f *testing.F) {
	for _, c := range examples() {
		f.Add(EncodeCommand(c))
	}
	m := formed(f, 2)
	m = must(f, m, CreateTopic{Name: "t", ID: id(2), Partitions: 2, Replication: 2})
	f.Fuzz(func(t *testing.T, cmd []byte) {
		for _, m := range []*Meta{m, NewMeta()} {
			next, r := m.Apply(m.Index+1, cmd)
			if r.Code != errNone && !same(next, m.At(next.Index)) {
				t.Errorf("%q was refused (%v) and changed something", cmd, r)
			}
			if back, err := DecodeMeta(next.Encode()); err != nil || !same(back, next) {
				t.Errorf("after %q: %v", cmd, err)
			}
		}
	})
}
