package broker

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/transport"
)

// hostile draws requests with anything in their fields.
type hostile struct {
	*rand.Rand
	mild    bool // mostly what a client would say
	ids     []UUID
	batches [][]byte
}

var hostileStrings = []string{"", "t", "t", "u", "x", "g", "group", "1", "-1", ".", "a b", "\x00\xff\xfe", strings.Repeat("n", 250), strings.Repeat("l", 5000),
	topicOffsets, topicTxns, "lone", "range", "uniform", "consumer", "roundrobin", configRetentionTime, configMaxMessage, configCleanup, "compact", "9223372036854775807", "é", "*", "(", ".*"}

var hostileInts = []int64{0, 0, 0, 1, 1, 2, 3, 5, -1, -1, -2, -3, -4, -5, -6, 7, 100, 1000, 60_000, math.MaxInt8, math.MaxInt16, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64}

// fill draws every field but the version.
func (h *hostile) fill(v reflect.Value) {
	switch v.Interface().(type) {
	case kmsg.Tags:
		if h.IntN(5) == 0 {
			v.Addr().Interface().(*kmsg.Tags).Set(uint32(100+h.IntN(1000)), []byte(hostileStrings[h.IntN(len(hostileStrings))]))
		}
		return
	case [16]byte:
		v.Set(reflect.ValueOf([16]byte(h.ids[h.IntN(len(h.ids))])))
		return
	case []byte:
		v.SetBytes(h.bytes())
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(h.IntN(2) == 0)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n := hostileInts[h.IntN(len(hostileInts))]
		if h.mild && h.IntN(8) > 0 {
			n = int64(h.IntN(4)) - 1
		} else if h.IntN(8) == 0 {
			n = int64(h.Uint64())
		}
		v.SetInt(n << (64 - v.Type().Bits()) >> (64 - v.Type().Bits()))
	case reflect.Float64:
		v.SetFloat(h.Float64())
	case reflect.String:
		if v.SetString(hostileStrings[h.IntN(len(hostileStrings))]); h.mild && h.IntN(8) > 0 {
			v.SetString([]string{"", "t", "t", "u", "g", "range", "consumer"}[h.IntN(7)])
		}
	case reflect.Pointer:
		if v.SetZero(); h.IntN(4) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			h.fill(v.Elem())
		}
	case reflect.Slice:
		n := []int{0, 1, 1, 1, 2, 2, 3, 8}[h.IntN(8)]
		if v.SetZero(); n > 0 || h.IntN(2) == 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
		}
		for i := range n {
			if i > 0 && h.IntN(4) == 0 {
				v.Index(i).Set(v.Index(i - 1)) // the same twice
			} else {
				h.fill(v.Index(i))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "Version" {
				h.fill(v.Field(i))
			}
		}
	default:
		panic(fmt.Sprintf("a kmsg message has a field of kind %v", v.Kind()))
	}
}

func (h *hostile) bytes() []byte {
	b := bytes.Clone(h.batches[h.IntN(len(h.batches))])
	if h.mild && h.IntN(4) > 0 {
		return b
	}
	for range h.IntN(4) {
		switch h.IntN(4) {
		case 0:
			b = b[:h.IntN(len(b)+1)]
		case 1:
			if len(b) > 0 {
				b[h.IntN(len(b))] = byte(h.Uint32())
			}
		case 2:
			b = append(b, b[:h.IntN(len(b)+1)]...)
		}
	}
	if h.IntN(6) == 0 {
		return nil
	}
	return b
}

// state is what a refused request must leave alone: the metadata, and the logs of clients' topics.
func (l *lone) state() string {
	m := *l.s.meta
	m.Index = 0
	text := string(m.Encode())
	for _, t := range m.byName {
		for _, place := range t.Partitions {
			if p := l.s.parts[place.Group]; p != nil && !internalTopic(t.Name) {
				text += fmt.Sprintf("\n%s: %d to %d", t.Name, p.g.LogStart(), p.g.Status().LogEnd)
			}
		}
	}
	return text
}

// codes gathers the error codes of a response.
func codes(v reflect.Value) (out []int16) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			out = codes(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			out = append(out, codes(v.Index(i))...)
		}
	case reflect.Struct:
		var below []int16
		own := int16(0)
		for i := range v.NumField() {
			if v.Type().Field(i).Name == "ErrorCode" {
				own = int16(v.Field(i).Int())
				continue
			}
			below = append(below, codes(v.Field(i))...)
		}
		_, has := v.Type().FieldByName("ErrorCode")
		if out = below; has && (own != 0 || len(below) == 0) {
			out = append(out, own)
		}
	}
	return out
}

// nothingDone tells whether nothing of a request was done, for certain.
func nothingDone(resp kmsg.Response) bool {
	all := codes(reflect.ValueOf(resp))
	maybe := []int16{errNone, errNoLeader, errTimedOut, errNotEnoughAfter, 14, 15} // or is being done; 14, 15: COORDINATOR_LOAD_IN_PROGRESS, _NOT_AVAILABLE
	return len(all) > 0 && !slices.ContainsFunc(all, func(c int16) bool { return slices.Contains(maybe, c) })
}

// exchange sends a frame on a connection of its own and awaits the response, or that the connection is closed.
func (l *lone) exchange(conn ConnID, frame []byte, answered bool) (resp []byte) {
	l.Helper()
	l.frames, l.closed = transport.NewFrames(transport.MaxFrame), nil
	l.turn(ConnOpened{Conn: conn})
	l.turn(ConnData{Conn: conn, Data: frame})
	for range 1000 {
		b, ok, err := l.frames.Next()
		if err != nil {
			l.Fatal(err)
		}
		c := l.s.conns[conn]
		if resp = b; ok || len(l.closed) > 0 || !answered && len(c.slots) == 0 {
			l.turn(ConnClosed{Conn: conn})
			return resp
		}
		l.tick()
	}
	l.Fatalf("not answered within 1000 ticks; the log says:\n%s", strings.Join(l.logs, "\n"))
	return nil
}

// startHostile has topics with records, and what hostile requests name.
func startHostile(t testing.TB, seed uint64) (*lone, *hostile) {
	l := startLone(t)
	l.create("t")
	l.create("u", configTimeAfter, "10")
	l.produce("t", someRecords...)
	l.await(topicOffsets, func() bool { // which is made when a coordinator is asked for
		resp := ask[*kmsg.FindCoordinatorResponse](l, &kmsg.FindCoordinatorRequest{Version: 4, CoordinatorKeys: []string{"g"}})
		return resp.Coordinators[0].ErrorCode == errNone
	})
	h := &hostile{Rand: rand.New(rand.NewPCG(seed, 1)), ids: []UUID{{}, id(9), l.s.meta.TopicByName("t").ID, l.s.meta.TopicByName("u").ID}}
	for codec := codecNone; codec < codecs; codec++ {
		h.batches = append(h.batches, testBatch{codec: codec, records: someRecords}.bytes(t))
	}
	h.batches = append(h.batches, []byte{}, bytes.Repeat([]byte{0xff}, 100))
	return l, h
}

// hostileRounds is how often each version of each API is asked for.
const hostileRounds = 40

// mostAllocated bounds what one hostile request, of some KiB, may have allocated until it is answered.
const mostAllocated = 96 << 20

// Whatever the fields of a request say, of every version of every API that is served: it is answered, or its connection is
// closed; nobody panics; it costs no more memory than its answer is worth; and if it is refused then nothing has changed.
func TestHostileFields(t *testing.T) {
	for _, a := range servedAPIs() {
		t.Run(a.Name, func(t *testing.T) {
			l, h := startHostile(t, uint64(a.Key))
			conn := ConnID(1)
			for round := range hostileRounds {
				for version := a.Min; version <= a.Max; version++ {
					req := kmsg.RequestForKey(a.Key)
					h.mild = round%2 == 1
					h.fill(reflect.ValueOf(req).Elem())
					req.SetVersion(version)
					conn++
					l.hostileRequest(conn, req, fmt.Sprintf("round %d: %s version %d: %+v", round, a.Name, version, req))
				}
			}
		})
	}
}

func (l *lone) hostileRequest(conn ConnID, req kmsg.Request, what string) {
	l.Helper()
	defer func() {
		if r := recover(); r != nil {
			l.Fatalf("%s\npanics: %v", what, r)
		}
	}()
	produce, ok := req.(*kmsg.ProduceRequest)
	answered := !(ok && produce.Acks == 0)
	before := l.state()
	var was, is runtime.MemStats
	runtime.ReadMemStats(&was)
	frame := l.exchange(conn, transport.AppendRequest("lone", int32(conn), req), answered)
	runtime.ReadMemStats(&is)
	if n := is.TotalAlloc - was.TotalAlloc; n > mostAllocated {
		l.Fatalf("%s\nallocated %d bytes", what, n)
	}
	if frame == nil {
		return
	}
	corr, resp, err := transport.ParseResponse(frame, req.Key(), req.GetVersion())
	if err != nil || corr != int32(conn) {
		l.Fatalf("%s\nresponse to %d: %v", what, corr, err)
	}
	if after := l.state(); nothingDone(resp) && after != before {
		l.Fatalf("%s\nwas refused with %v, and changed\n%s\nto\n%s", what, codes(reflect.ValueOf(resp)), before, after)
	}
}
