package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

type message interface {
	MaxVersion() int16
	SetVersion(int16)
	IsFlexible() bool
	AppendTo([]byte) []byte
	ReadFrom([]byte) error
}

type shaped struct {
	name  string
	shape shape
	make  func() message
}

func allShapes() []shaped {
	var all []shaped
	for _, key := range slices.Sorted(maps.Keys(requestShapes)) {
		all = append(all, shaped{kmsg.NameForKey(key) + "Request", requestShapes[key], func() message { return kmsg.RequestForKey(key) }})
	}
	for _, key := range slices.Sorted(maps.Keys(responseShapes)) {
		all = append(all, shaped{kmsg.NameForKey(key) + "Response", responseShapes[key], func() message { return kmsg.ResponseForKey(key) }})
	}
	return all
}

// Every shape ends where kmsg's encoding does, in every version, and what is cut short is refused.
func TestShapesFollowKmsg(t *testing.T) {
	if len(requestShapes) != len(responseShapes) {
		t.Fatalf("%d shapes of requests, %d of responses", len(requestShapes), len(responseShapes))
	}
	for _, s := range allShapes() {
		for version := range s.make().MaxVersion() + 1 {
			t.Run(fmt.Sprintf("%s/%d", s.name, version), func(t *testing.T) {
				rapid.Check(t, func(t *rapid.T) { checkShape(t, s, version) })
			})
		}
	}
}

func checkShape(t *rapid.T, s shaped, version int16) {
	m := s.make()
	m.SetVersion(version)
	fill(t, m)
	if m.IsFlexible() != (version >= s.shape.flexible) {
		t.Fatalf("flexible: kmsg says %v, the shape from version %d on", m.IsFlexible(), s.shape.flexible)
	}
	src := m.AppendTo(nil)
	end, blobs, err := s.shape.walk(src, version)
	if err != nil || end != len(src) {
		t.Fatalf("walked %d of %d bytes: %v\n%x", end, len(src), err, src)
	}
	if (len(blobs) > 0) && s.name != "ProduceRequest" && s.name != "FetchResponse" {
		t.Fatalf("%d fields of records", len(blobs))
	}
	back := s.make()
	back.SetVersion(version)
	if err := back.ReadFrom(src); err == nil && !bytes.Equal(back.AppendTo(nil), src) {
		t.Fatalf("decoded and encoded again it differs")
	}
	if len(src) > 0 {
		short := src[:rapid.IntRange(0, len(src)-1).Draw(t, "cut to")]
		if end, _, err := s.shape.walk(short, version); !errors.Is(err, ErrMalformed) {
			t.Fatalf("cut to %d of %d bytes, walked %d: %v", len(short), len(src), end, err)
		}
	}
}

// T2, T3: lengths that kmsg would loop or allocate by are refused at once.
func TestWalkRefusesBombs(t *testing.T) {
	elements := func(n int, compact bool) []byte {
		if compact {
			return binary.AppendUvarint(nil, uint64(n)+1)
		}
		return binary.BigEndian.AppendUint32(nil, uint32(n))
	}
	big := make([]byte, 8<<20)
	for _, c := range []struct {
		name    string
		key     int16
		version int16
		src     []byte
		want    string
	}{
		{"tag count", 60, 0, []byte{0, 0xff, 0xff, 0xff, 0xff, 0x0f}, "4294967295 tagged fields at byte 6"},
		{"tag count in a tag", 1, 18, slices.Concat(make([]byte, 21), []byte{1, 1, 0, 1, 1, 17}, make([]byte, 12), []byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0}), "4294967295 tagged fields"},
		{"array", 3, 0, elements(1<<20, false), "1048576 array elements at byte 4, and 0 bytes are left"},
		{"array with its bytes", 3, 0, append(elements(1<<20, false), big...), "more than 262144 array elements"},
		{"compact array with its bytes", 3, 12, append(elements(1<<20, true), big...), "more than 262144 array elements"},
		{"array of int32", 19, 4, slices.Concat(elements(1, false), []byte{0, 0}, make([]byte, 6), elements(1, false), make([]byte, 4), elements(1<<19, false), big), "more than 262144"},
		{"tags with their bytes", 60, 0, slices.Concat([]byte{0}, binary.AppendUvarint(nil, 1<<20), big), "more than 262144"},
		{"varint", 60, 0, []byte{0, 0xff, 0xff, 0xff, 0xff, 0x1f}, "no varint"},
		{"long varint", 60, 0, []byte{0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, "no varint"},
		{"string", 3, 8, slices.Concat(elements(1, false), []byte{0x7f, 0xff, 'a'}), "32767 bytes wanted at byte 6, and 1 are left"},
		{"compact string", 3, 9, slices.Concat(elements(1, true), []byte{0xff, 0xff, 0xff, 0xff, 0x0f, 'a'}), "a string of 4294967294 bytes"},
		{"long string with its bytes", 3, 9, slices.Concat(elements(1, true), binary.AppendUvarint(nil, 32_769), big), "a string of 32768 bytes at byte 4, at most 32767"},
	} {
		start := time.Now()
		_, _, err := requestShapes[c.key].walk(c.src, c.version)
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s took %s", c.name, took)
		}
	}
}

// T3: what tagged fields hold counts too, also when one comes twice.
func TestWalkCountsInsideTags(t *testing.T) {
	const n = maxElements - 10
	features := append(binary.AppendUvarint(nil, n+1), make([]byte, 6*n)...)
	for i := range n {
		features[len(features)-6*n+6*i] = 1 // the empty name
	}
	tag := append(binary.AppendUvarint([]byte{0}, uint64(len(features))), features...)
	head := []byte{0, 0, 1, 0, 0, 0, 0}
	shape := responseShapes[kmsg.ApiVersions.Int16()]
	if _, _, err := shape.walk(slices.Concat(head, []byte{1}, tag), 3); err != nil {
		t.Errorf("once: %v", err)
	}
	if _, _, err := shape.walk(slices.Concat(head, []byte{2}, tag, tag), 3); !errors.Is(err, ErrMalformed) {
		t.Errorf("twice: %v", err)
	}
}

func BenchmarkWalkFetch(b *testing.B) {
	req := kmsg.NewFetchRequest()
	req.Version = 16
	topic := kmsg.NewFetchRequestTopic()
	for range 100 {
		topic.Partitions = append(topic.Partitions, kmsg.NewFetchRequestTopicPartition())
	}
	req.Topics = append(req.Topics, topic)
	src := req.AppendTo(nil)
	for b.Loop() {
		if _, _, err := requestShapes[1].walk(src, 16); err != nil {
			b.Fatal(err)
		}
	}
}
