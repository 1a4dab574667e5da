package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

// kafka41 are the versions that Kafka 4.1 serves, with our lower bounds, of the APIs that have a shape.
func kafka41(key int16) (lowest, highest int16, ok bool) {
	switch kmsg.Key(key) {
	case kmsg.Produce:
		return 3, 13, true
	case kmsg.Fetch:
		return 4, 18, true
	case kmsg.ListOffsets:
		return 0, 10, true
	case kmsg.Metadata:
		return 0, 13, true
	case kmsg.FindCoordinator:
		return 0, 6, true
	case kmsg.ApiVersions:
		return 0, 4, true
	case kmsg.CreateTopics:
		return 0, 7, true
	case kmsg.DeleteTopics:
		return 0, 6, true
	case kmsg.DescribeCluster:
		return 0, 2, true
	}
	return 0, 0, false
}

func everything(key int16) (lowest, highest int16, ok bool) {
	_, ok = requestShapes[key]
	return 0, math.MaxInt16, ok
}

// What a client encodes is what a broker decodes, in every version of every API.
func TestRequestsThereAndBack(t *testing.T) {
	for key := range requestShapes {
		t.Run(kmsg.NameForKey(key), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				req := kmsg.RequestForKey(key)
				req.SetVersion(rapid.Int16Range(0, req.MaxVersion()).Draw(t, "version"))
				fill(t, req)
				id := rapid.StringN(0, 20, 60).Draw(t, "client id")
				corr := rapid.Int32().Draw(t, "corr")
				frame := AppendRequest(id, corr, req)
				if n := binary.BigEndian.Uint32(frame); int(n) != len(frame)-4 {
					t.Fatalf("length %d before %d bytes", n, len(frame)-4)
				}
				body := req.AppendTo(nil)
				clean := kmsg.RequestForKey(key)
				clean.SetVersion(req.GetVersion())
				if clean.ReadFrom(body) != nil {
					t.Skip("null where this version has none")
				}
				got, err := ParseRequest(frame[4:], everything)
				if err != nil {
					t.Fatal(err)
				}
				if got.Key != key || got.Version != req.GetVersion() || got.Corr != corr || got.ClientID != id || got.Unsupported {
					t.Fatalf("header %+v", got)
				}
				if !bytes.Equal(got.Body.AppendTo(nil), body) {
					t.Fatal("the body differs")
				}
			})
		})
	}
}

func TestProduceRecordsAliasTheFrame(t *testing.T) {
	req := kmsg.NewProduceRequest()
	req.Version = 9
	topic := kmsg.NewProduceRequestTopic()
	part := kmsg.NewProduceRequestTopicPartition()
	part.Records = []byte("needle")
	topic.Partitions = append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	frame := AppendRequest("c", 1, &req)[4:]
	got, err := ParseRequest(frame, kafka41)
	if err != nil {
		t.Fatal(err)
	}
	frame[bytes.Index(frame, []byte("needle"))] = 'N'
	records := got.Body.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Records
	if string(records) != "Needle" {
		t.Errorf("records are %q: a copy", records)
	}
	if cap(records) != len(records) {
		t.Errorf("records can grow into the frame: %d of %d bytes", len(records), cap(records))
	}
}

func TestParseRequestRefuses(t *testing.T) {
	long := strings.Repeat("x", 1000)
	header := func(key, version int16, rest string) []byte {
		b := binary.BigEndian.AppendUint16(nil, uint16(key))
		b = binary.BigEndian.AppendUint16(b, uint16(version))
		return append(binary.BigEndian.AppendUint32(b, 7), rest...)
	}
	for _, c := range []struct {
		frame []byte
		is    error
		want  string
	}{
		{nil, ErrMalformed, "malformed request: a frame of 0 bytes, the header alone has 8"},
		{header(3, 1, ""), ErrMalformed, "Metadata version 1: malformed: no client id in 0 bytes"},
		{header(3, 1, "\x00\x05abc"), ErrMalformed, "Metadata version 1: malformed: a client id of 5 bytes, and 3 are left"},
		{header(3, 1, "\xff\xfeabc"), ErrMalformed, "a client id of -2 bytes"},
		{header(3, 1, "\xff\xff\x00"), ErrMalformed, `Metadata version 1 of client id "": malformed: 4 bytes wanted at byte 0, and 1 are left`},
		{header(3, 9, "\x00\x02me\x05"), ErrMalformed, `Metadata version 9 of client id "me": header: malformed: 5 tagged fields`},
		{header(3, 14, "\x00\x02me"), ErrUnserved, `not served: Metadata version 14, asked for by client id "me"; versions 0 to 13 are`},
		{header(0, 2, "\x00\x04\n\xffab"), ErrUnserved, `not served: Produce version 2, asked for by client id "\n\xffab"; versions 3 to 13 are`},
		{header(3, -1, "\x00\x02me"), ErrUnserved, "Metadata version -1"},
		{header(11, 5, "\x00\x02me"), ErrUnserved, `not served: API key 11 version 5, asked for by client id "me"`},
		{header(-5, 5, ""), ErrUnserved, `not served: API key -5 version 5, asked for by client id ""`},
		{header(999, 0, "\x03\xe8"+long), ErrUnserved, `client id "` + long[:64] + `"`},
		{header(3, 9, "\x00\x02me\x00\x02\x05name\x00\x01"), ErrMalformed, `Metadata version 9`},
		{header(3, 4, "\x00\x02me\x00\x00\x00\x01\xff\xff\x01"), ErrMalformed, `Metadata version 4`}, // a null name, not before version 10
	} {
		_, err := ParseRequest(c.frame, kafka41)
		if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%x:\n got %v\nwant %v with %q", c.frame[:min(40, len(c.frame))], err, c.is, c.want)
		}
	}
}

// KIP-511: whatever an ApiVersions of an unknown version looks like, it can be answered.
func TestApiVersionsOfUnknownVersion(t *testing.T) {
	for _, version := range []int16{5, 99, math.MaxInt16, -1} {
		frame := binary.BigEndian.AppendUint16(nil, 18)
		frame = binary.BigEndian.AppendUint16(frame, uint16(version))
		frame = append(frame, 0, 0, 0, 42, 0xff, 0x13, 0x37)
		r, err := ParseRequest(frame, kafka41)
		if err != nil || !r.Unsupported || r.Corr != 42 || r.Version != version || r.Body.GetVersion() != 0 {
			t.Errorf("version %d: %+v, %v", version, r, err)
		}
		resp := kmsg.NewApiVersionsResponse()
		resp.ErrorCode = 35
		resp.ApiKeys = append(resp.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: 18, MaxVersion: 4})
		answer := join(AppendResponse(r.Corr, &resp))
		corr, back, err := ParseResponse(answer[4:], 18, 4)
		if err != nil || corr != 42 || back.(*kmsg.ApiVersionsResponse).ErrorCode != 35 || len(back.(*kmsg.ApiVersionsResponse).ApiKeys) != 1 {
			t.Errorf("its answer: %d, %+v, %v", corr, back, err)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	for key := range requestShapes {
		req := kmsg.RequestForKey(key)
		f.Add(AppendRequest("fuzz", 1, req)[4:])
		req.SetVersion(req.MaxVersion())
		f.Add(AppendRequest("fuzz", 1, req)[4:])
	}
	f.Add([]byte{0, 60, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, frame []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := ParseRequest(frame, everything)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20+500*uint64(len(frame)) {
			t.Fatalf("%d bytes allocated for a frame of %d", used, len(frame))
		}
		if err != nil {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnserved) {
				t.Fatal(err)
			}
			return
		}
		if r.Body == nil {
			t.Fatal("no error and no body")
		}
		r.Body.AppendTo(nil)
	})
}
