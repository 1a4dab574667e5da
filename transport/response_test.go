package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

func join(bufs [][]byte) []byte { return slices.Concat(bufs...) }

func TestResponsesThereAndBack(t *testing.T) {
	for key := range responseShapes {
		t.Run(kmsg.NameForKey(key), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				resp := kmsg.ResponseForKey(key)
				resp.SetVersion(rapid.Int16Range(0, resp.MaxVersion()).Draw(t, "version"))
				fill(t, resp)
				body := resp.AppendTo(nil)
				clean := kmsg.ResponseForKey(key)
				clean.SetVersion(resp.GetVersion())
				if clean.ReadFrom(body) != nil {
					t.Skip("null where this version has none")
				}
				if key == apiVersionsN && unsupported(body) {
					t.Skip("such an answer has version 0")
				}
				corr := rapid.Int32().Draw(t, "corr")
				frame := join(AppendResponse(corr, resp))
				head := 8
				if resp.IsFlexible() && key != apiVersionsN {
					head++
				}
				if int(binary.BigEndian.Uint32(frame)) != len(frame)-4 || len(frame) != head+len(body) {
					t.Fatalf("length %d, %d bytes, body %d", binary.BigEndian.Uint32(frame), len(frame), len(body))
				}
				gotCorr, got, err := ParseResponse(frame[4:], key, resp.GetVersion())
				if err != nil || gotCorr != corr || !bytes.Equal(got.AppendTo(nil), body) {
					t.Fatalf("correlation id %d, want %d; %v", gotCorr, corr, err)
				}
			})
		})
	}
}

// T4: splicing yields the bytes that kmsg would have made with the records copied into it.
func TestAppendFetchIsKmsg(t *testing.T) {
	for version := int16(4); version <= 18; version++ {
		rapid.Check(t, func(t *rapid.T) {
			resp := kmsg.NewPtrFetchResponse()
			resp.Version = version
			fill(t, resp)
			var records [][][]byte
			for i := range resp.Topics {
				for j := range resp.Topics[i].Partitions {
					size := rapid.IntRange(0, 5).Draw(t, "slices")
					bufs := make([][]byte, size)
					for k := range bufs {
						n := rapid.SampledFrom([]int{0, 1, 126, 127, 128, 300, 16383, 16384, 20_000}).Draw(t, "size")
						bufs[k] = bytes.Repeat([]byte{byte(k)}, n)
					}
					records = append(records, bufs)
					resp.Topics[i].Partitions[j].RecordBatches = append([]byte{}, join(bufs)...)
				}
			}
			want := join(AppendResponse(77, resp))
			for i := range resp.Topics {
				for j := range resp.Topics[i].Partitions {
					resp.Topics[i].Partitions[j].RecordBatches = nil
				}
			}
			got := AppendFetch(77, resp, records)
			if !bytes.Equal(join(got), want) {
				t.Fatalf("version %d: %x\nkmsg:       %x", version, join(got), want)
			}
			checkAliased(t, got, records)
		})
	}
}

func checkAliased(t *rapid.T, got [][]byte, records [][][]byte) {
	for _, bufs := range records {
		for _, b := range bufs {
			if len(b) > 0 && !slices.ContainsFunc(got, func(s []byte) bool { return len(s) > 0 && &s[0] == &b[0] && len(s) == len(b) }) {
				t.Fatalf("a slice of %d bytes was copied", len(b))
			}
		}
	}
}

func TestParseResponseRefuses(t *testing.T) {
	for _, c := range []struct {
		key, version int16
		frame        string
		want         string
	}{
		{3, 0, "abc", "malformed response: a frame of 3 bytes"},
		{3, 0, "\x00\x00\x00\x01\x7f\xff\xff\xff", "response to Metadata version 0: malformed: 2147483647 array elements at byte 4, and 0 bytes are left"},
		{3, 9, "\x00\x00\x00\x01\xff\xff\xff\xff\x0f", "response to Metadata version 9: header: malformed: 4294967295 tagged fields"},
		{18, 3, "\x00\x00\x00\x01\x00\x00\x01\x00\x00\x00\x00\xff\xff\xff\xff\x0f", "4294967295 tagged fields at byte 12"},
	} {
		_, _, err := ParseResponse([]byte(c.frame), c.key, c.version)
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%x: %v, want %q", c.frame, err, c.want)
		}
	}
}

func FuzzParseResponse(f *testing.F) {
	for key := range responseShapes {
		resp := kmsg.ResponseForKey(key)
		f.Add(key, int16(0), join(AppendResponse(1, resp))[4:])
		resp.SetVersion(resp.MaxVersion())
		f.Add(key, resp.MaxVersion(), join(AppendResponse(1, resp))[4:])
	}
	f.Fuzz(func(t *testing.T, key, version int16, frame []byte) {
		if _, ok := responseShapes[key]; !ok || version < 0 {
			return
		}
		_, resp, err := ParseResponse(frame, key, version)
		if err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatal(err)
		}
		if err == nil {
			resp.AppendTo(nil)
		}
	})
}

func BenchmarkAppendFetch(b *testing.B) {
	batch := make([]byte, 64<<10)
	records := make([][][]byte, 10)
	for i := range records {
		records[i] = [][]byte{batch, batch}
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(records) * 2 * len(batch)))
	for b.Loop() {
		resp := kmsg.NewPtrFetchResponse()
		resp.Version = 12
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic = "topic"
		for range records {
			topic.Partitions = append(topic.Partitions, kmsg.NewFetchResponseTopicPartition())
		}
		resp.Topics = append(resp.Topics, topic)
		AppendFetch(1, resp, records)
	}
}
