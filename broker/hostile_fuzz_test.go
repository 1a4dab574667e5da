package broker

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/transport"
)

// fuzzed is a broker that one request after the other is tried on: each finds it as the first one did. One that may have
// changed something has it started again from a copy of its directory.
type fuzzed struct {
	*lone
	kept  string // the copy
	now   Now
	boots uint64
	spent bool // not as at first any more
	conn  ConnID
}

func startFuzzed(t testing.TB) *fuzzed {
	l, _ := startHostile(t, 1)
	f := &fuzzed{lone: l, kept: filepath.Join(t.TempDir(), "kept"), now: l.now, boots: l.boots, conn: 1}
	if err := os.CopyFS(f.kept, os.DirFS(l.dir)); err != nil {
		t.Fatal(err)
	}
	f.spent = true
	return f
}

// fresh has the broker be as at first.
func (f *fuzzed) fresh(t testing.TB) {
	if f.TB = t; !f.spent {
		return
	}
	f.disk.Close()
	if err := os.RemoveAll(f.dir); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(f.dir, os.DirFS(f.kept)); err != nil {
		t.Fatal(err)
	}
	f.lone.now, f.lone.boots, f.logs, f.spent = f.now, f.boots, nil, false
	f.mount()
	f.boot()
	f.await("leaders", func() bool {
		for _, p := range f.s.parts { // order: all must
			if !p.g.Serving() || p.coord != nil && p.coord.loading {
				return false
			}
		}
		return true
	})
}

// readers change nothing, whatever they are asked.
var readers = []int16{keyAPIVersions, keyListOffsets, keyOffsetForLeaderEpoch, keyDescribeConfigs, keyDescribeGroups, keyListGroups,
	keyListConfigResources, keyDescribeCluster, keyDescribeProducers, keyDescribeLogDirs, keyDescribeTopicPartitions, keyConsumerGroupDescribe, keyOffsetFetch}

// try sends one frame and looks at what comes of it.
func (f *fuzzed) try(req kmsg.Request, frame []byte) {
	before := f.state()
	f.conn++
	f.spent = true // if this panics
	produce := req.Key() == keyProduce
	got := f.exchange(f.conn, frame, !produce)
	after := f.state()
	if got == nil { // closed, or a produce without an answer
		if !produce && after != before {
			f.Fatalf("a request that closes its connection changed\n%s\nto\n%s", before, after)
		}
		f.spent = after != before
		return
	}
	version := req.GetVersion()
	if _, max, _ := served(req.Key()); version < 0 || version > max { // only ApiVersions has an answer then
		version = 0
	}
	_, resp, err := transport.ParseResponse(got, req.Key(), version)
	if err != nil {
		f.Fatalf("the response can't be read: %v", err)
	}
	if nothingDone(resp) && after != before {
		f.Fatalf("refused with %v, and changed\n%s\nto\n%s", codes(reflect.ValueOf(resp)), before, after)
	}
	f.spent = after != before || !nothingDone(resp) && !slices.Contains(readers, req.Key())
}

// FuzzHandlers feeds a broker one request of any API and version with any bytes behind its header: nobody panics, and what is
// refused has changed nothing. What makes an input interesting isn't always there a second time, so the search for a smaller
// one must be short:
//
//	go test ./broker -run XX -fuzz FuzzHandlers -fuzztime 10m -fuzzminimizetime 20x
func FuzzHandlers(f *testing.F) {
	for _, a := range servedAPIs() {
		for _, version := range []int16{a.Min, a.Max} {
			h := &hostile{Rand: rand.New(rand.NewPCG(uint64(a.Key), uint64(version))), ids: []UUID{{}}, batches: [][]byte{{}}}
			req := kmsg.RequestForKey(a.Key)
			h.fill(reflect.ValueOf(req).Elem())
			req.SetVersion(version)
			f.Add(a.Key, version, req.AppendTo(nil))
		}
	}
	world := startFuzzed(f)
	f.Fuzz(func(t *testing.T, key, version int16, body []byte) {
		_, _, ok := served(key)
		req := kmsg.RequestForKey(key)
		if !ok || req == nil {
			return
		}
		head := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, uint16(key)), uint16(version))
		head = append(binary.BigEndian.AppendUint32(head, 7), 0, 1, 'c')
		if req.SetVersion(version); req.IsFlexible() {
			head = append(head, 0)
		}
		frame := binary.BigEndian.AppendUint32(nil, uint32(len(head)+len(body)))
		world.fresh(t)
		world.try(req, slices.Concat(frame, head, body))
	})
}
