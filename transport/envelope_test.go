package transport

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"logd/golden"
)

func drawHeader(t *rapid.T) Header {
	h := Header{
		From: rapid.Int32().Draw(t, "from"), Incarnation: rapid.Uint64().Draw(t, "incarnation"),
		Shard: rapid.Uint16().Draw(t, "shard"), Boot: rapid.Uint64().Draw(t, "boot"),
		To: rapid.Int32().Draw(t, "to"), ToIncarnation: rapid.Uint64().Draw(t, "to incarnation"),
		Generation: rapid.Uint64().Draw(t, "generation"),
	}
	copy(h.Cluster[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "cluster"))
	return h
}

func drawMsgs(t *rapid.T) []Msg {
	msgs := make([]Msg, rapid.IntRange(0, 5).Draw(t, "messages"))
	for i := range msgs {
		msgs[i] = Msg{Kind: rapid.Byte().Draw(t, "kind"), Group: rapid.Uint64().Draw(t, "group")}
		for range rapid.IntRange(0, 3).Draw(t, "slices") {
			msgs[i].Bufs = append(msgs[i].Bufs, rapid.SliceOfN(rapid.Byte(), 0, 1000).Draw(t, "buf"))
		}
	}
	return msgs
}

// Through the same cutter as Kafka's frames; payloads are aliased on both sides.
func TestEnvelopeThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, msgs := drawHeader(t), drawMsgs(t)
		before := [][]byte{[]byte("an earlier slice")}
		bufs := AppendEnvelope(before, h, msgs)
		if string(bufs[0]) != "an earlier slice" {
			t.Fatal("what was in bufs is gone")
		}
		var f Frames
		f.Feed(join(bufs[1:]))
		frame, ok, err := f.Next()
		if !ok || err != nil || f.Pending() != 0 {
			t.Fatal(ok, err, f.Pending())
		}
		gotHeader, got, err := ParseEnvelope(frame)
		if err != nil {
			t.Fatal(err)
		}
		if gotHeader != h || len(got) != len(msgs) {
			t.Fatalf("%+v with %d messages, want %+v with %d", gotHeader, len(got), h, len(msgs))
		}
		for i := range msgs {
			if got[i].Kind != msgs[i].Kind || got[i].Group != msgs[i].Group || !bytes.Equal(got[i].Body, join(msgs[i].Bufs)) {
				t.Fatalf("message %d: %+v", i, got[i])
			}
		}
		for n, m := 2, 0; m < len(msgs); m++ {
			for _, b := range msgs[m].Bufs {
				if len(b) > 0 && &bufs[n][0] != &b[0] {
					t.Fatalf("slice %d was copied", n)
				}
				n++
			}
		}
	})
}

// T5: no change of the head, and no other length of the frame, goes unseen.
func TestEnvelopeDamageIsSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		msgs := drawMsgs(t)
		frame := join(AppendEnvelope(nil, drawHeader(t), msgs))[4:]
		heads := envelopeHead + messageHead*len(msgs)
		switch rapid.IntRange(0, 2).Draw(t, "damage") {
		case 0:
			frame[rapid.IntRange(0, heads-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		case 1:
			frame = frame[:rapid.IntRange(0, len(frame)-1).Draw(t, "cut")]
		case 2:
			frame = append(frame, make([]byte, rapid.IntRange(1, 40).Draw(t, "more"))...)
		}
		if _, _, err := ParseEnvelope(frame); !errors.Is(err, ErrMalformed) {
			t.Fatalf("accepted: %v", err)
		}
	})
}

func TestParseHello(t *testing.T) {
	h := Header{From: 1, To: 2, Shard: 3}
	hello := AppendEnvelope(nil, h, nil)
	if len(hello) != 1 || len(hello[0]) != EmptyEnvelope {
		t.Fatalf("%d slices", len(hello))
	}
	if got, err := ParseHello(hello[0]); err != nil || got != h {
		t.Errorf("%+v, %v", got, err)
	}
	for _, c := range []struct {
		at   int
		want string
	}{{3, "its length is 73, not 72"}, {0, "its length is 16777288, not 72"}, {4, `it begins with "MGDe"`}, {12, "its head has CRC"}} {
		bad := bytes.Clone(hello[0])
		bad[c.at] ^= 1
		if _, err := ParseHello(bad); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("byte %d changed: %v, want %q", c.at, err, c.want)
		}
	}
}

func goldenEnvelope() [][]byte {
	h := Header{Cluster: [16]byte([]byte("0123456789abcdef")), From: 1, Incarnation: 0x1122334455667788, Shard: 3,
		Boot: 0x99aabbccddeeff00, To: 2, ToIncarnation: 0x0102030405060708, Generation: 0x2122232425262728}
	return AppendEnvelope(nil, h, []Msg{
		{Kind: 1, Group: 1, Bufs: [][]byte{[]byte("head"), []byte("payload")}},
		{Kind: 2, Group: 0xfedcba9876543210},
	})
}

// Brokers of another version must be able to read it.
func TestEnvelopeGolden(t *testing.T) {
	golden.Same(t, "testdata/envelope.golden", []byte(hex.Dump(join(goldenEnvelope()))))
}

func TestParseEnvelopeRefuses(t *testing.T) {
	good := join(goldenEnvelope())[4:]
	change := func(at int, b byte) []byte {
		frame := bytes.Clone(good)
		frame[at] = b
		return frame
	}
	for _, c := range []struct {
		frame []byte
		want  string
	}{
		{nil, "a frame of 0 bytes, the head alone has 72"},
		{[]byte(strings.Repeat("GET / ", 20)), `it begins with "GET ", not with "LGDe"`},
		{change(5, 3), "format version 3, this broker knows 2"},
		{change(64, 0xff), "4278190082 messages in a frame of 115 bytes"},
		{change(67, 3), "3 messages in a frame of 115 bytes"},
		{change(67, 1), "its head has CRC"},
		{change(8, 'x'), "its head has CRC"},
		{good[:len(good)-1], "message 0 has 11 bytes, and 10 are left"},
		{append(bytes.Clone(good), 0), "1 bytes after the last of 2 messages"},
	} {
		_, _, err := ParseEnvelope(c.frame)
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

func TestEnvelopeOverLimitPanics(t *testing.T) {
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, "invariant T6") {
			t.Errorf("recovered %q", text)
		}
	}()
	half := make([]byte, MaxFrame/2)
	AppendEnvelope(nil, Header{}, []Msg{{Bufs: [][]byte{half, half}}})
}

func FuzzParseEnvelope(f *testing.F) {
	f.Add(join(goldenEnvelope())[4:])
	f.Add(join(AppendEnvelope(nil, Header{}, nil))[4:])
	f.Fuzz(func(t *testing.T, frame []byte) {
		h, got, err := ParseEnvelope(frame)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		msgs := make([]Msg, len(got))
		for i := range got {
			msgs[i] = Msg{Kind: got[i].Kind, Group: got[i].Group, Bufs: [][]byte{got[i].Body}}
		}
		if again := join(AppendEnvelope(nil, h, msgs))[4:]; !bytes.Equal(again, frame) {
			t.Fatalf("encoded again it differs:\n%x\n%x", again, frame)
		}
	})
}

// TestCheckBegun: the beginning of an envelope is taken for it under its own length, and under no other once its heads are here (T7).
func TestCheckBegun(t *testing.T) {
	var msgs []Msg
	for i := range 3 {
		msgs = append(msgs, Msg{Kind: 1, Group: uint64(i), Bufs: [][]byte{make([]byte, 10*i)}})
	}
	frame := bytes.Join(AppendEnvelope(nil, Header{From: 1, To: 2}, msgs), nil)[4:]
	heads := EmptyEnvelope - 4 + 3*16
	for n := range len(frame) {
		known, err := CheckBegun(frame[:n], len(frame))
		if err != nil || known != (n >= heads) {
			t.Fatalf("%d bytes of it: known %t, %v", n, known, err)
		}
		for bit := range 31 {
			want := len(frame) ^ 1<<bit
			if known, err := CheckBegun(frame[:n], want); n >= heads && (!known || !errors.Is(err, ErrMalformed)) {
				t.Fatalf("%d bytes of %d taken for those of one of %d: known %t, %v", n, len(frame), want, known, err)
			}
		}
	}
}
