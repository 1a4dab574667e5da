package e2e

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"net"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/transport"
)

// client is a connection that speaks Kafka's protocol, request by request.
type client struct {
	nc     net.Conn
	frames *transport.Frames
	buf    []byte
}

func dialClient(addr string) (*client, error) {
	nc, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	return &client{nc: nc, frames: transport.NewFrames(transport.MaxFrame), buf: make([]byte, 64<<10)}, nil
}

// answer returns the next response's frame. The error wraps [io.EOF] or the like if the broker has closed.
func (c *client) answer() ([]byte, error) {
	for {
		if frame, ok, err := c.frames.Next(); ok || err != nil {
			return frame, err
		}
		n, err := c.nc.Read(c.buf)
		c.frames.Feed(c.buf[:n])
		if err != nil {
			return nil, err
		}
	}
}

// versions asks which APIs the broker serves.
func (b *besieged) versions() []kmsg.ApiVersionsResponseApiKey {
	c, err := dialClient(b.n.addr)
	if err != nil {
		b.t.Fatal(err)
	}
	defer c.nc.Close()
	req := kmsg.NewPtrApiVersionsRequest()
	c.nc.SetDeadline(time.Now().Add(patience))
	c.nc.Write(transport.AppendRequest("e2e", 1, req)) // an error shows in the answer
	frame, err := c.answer()
	if err != nil {
		b.t.Fatal(err)
	}
	_, resp, err := transport.ParseResponse(frame, req.Key(), req.Version)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.(*kmsg.ApiVersionsResponse).ApiKeys
}

// hostileFields sends every served API in every version, and every other one, with fields that no client would set. What
// is answered must be a response to that request.
func (b *besieged) hostileFields(rng *rand.Rand) {
	served := b.versions()
	type job struct{ key, version int16 }
	var jobs []job
	for _, api := range served {
		for v := api.MinVersion - 1; v <= api.MaxVersion+1; v++ {
			for range 12 {
				jobs = append(jobs, job{api.ApiKey, v})
			}
		}
		jobs = append(jobs, job{api.ApiKey, math.MaxInt16}, job{api.ApiKey, math.MinInt16})
	}
	for key := range int16(kmsg.MaxKey + 3) {
		jobs = append(jobs, job{key, int16(rng.IntN(10))})
	}
	h := newHostile(b, rng)
	var answered, closed, silent atomic.Int64
	many(rng, len(jobs), 16, func(i int, rng *rand.Rand) {
		switch err := b.ask(jobs[i].key, jobs[i].version, h, rng); {
		case err == nil:
			answered.Add(1)
		case errors.Is(err, errSilent):
			silent.Add(1)
		default:
			closed.Add(1)
		}
	})
	b.t.Logf("%d requests: %d answered, %d closed their connection, %d had no answer within %s", len(jobs), answered.Load(), closed.Load(), silent.Load(), shrug)
	if answered.Load() < int64(len(jobs))/3 {
		b.t.Errorf("only %d of %d requests were understood", answered.Load(), len(jobs))
	}
}

// errSilent is no answer: a fetch may wait for data, and a produce without acks has none.
var errSilent = errors.New("silent")

// ask sends one hostile request.
func (b *besieged) ask(key, version int16, h *hostile, rng *rand.Rand) error {
	req := kmsg.RequestForKey(key)
	if req == nil {
		req = kmsg.NewPtrMetadataRequest() // with another key below
	}
	h.request(rng, req)
	req.SetVersion(max(0, min(version, req.MaxVersion())))
	corr := int32(rng.Uint32())
	data := transport.AppendRequest("e2e", corr, req)
	binary.BigEndian.PutUint16(data[4:], uint16(key))
	binary.BigEndian.PutUint16(data[6:], uint16(version))
	c, err := dialClient(b.n.addr)
	if err != nil {
		return err
	}
	defer c.nc.Close()
	c.nc.SetDeadline(time.Now().Add(shrug))
	if _, err := c.nc.Write(data); err != nil {
		return err
	}
	frame, err := c.answer()
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return errSilent
	}
	if err != nil {
		return err
	}
	got := int32(binary.BigEndian.Uint32(frame))
	if got != corr {
		b.t.Errorf("%s version %d: the response has correlation id %d, the request %d", kmsg.NameForKey(key), version, got, corr)
	}
	if key == kmsg.ApiVersions.Int16() && (version < 0 || version > 4) {
		version = 0 // KIP-511
	}
	if _, _, err := transport.ParseResponse(frame, key, version); err != nil {
		b.t.Errorf("%s version %d: the response can't be read: %v", kmsg.NameForKey(key), version, err)
	}
	return nil
}

// changedBytes sends requests that were fine before a few of their bytes were changed.
func (b *besieged) changedBytes(rng *rand.Rand) {
	h := newHostile(b, rng)
	served := b.versions()
	many(rng, 1500, 16, func(_ int, rng *rand.Rand) {
		api := served[rng.IntN(len(served))]
		var data []byte
		for range 1 + rng.IntN(3) {
			req := kmsg.RequestForKey(api.ApiKey)
			h.request(rng, req)
			req.SetVersion(api.MinVersion + int16(rng.IntN(int(api.MaxVersion-api.MinVersion)+1)))
			data = append(data, transport.AppendRequest("e2e", 7, req)...)
		}
		for range 1 + rng.IntN(4) {
			at := rng.IntN(len(data))
			switch rng.IntN(4) {
			case 0:
				data[at] = byte(rng.Uint32())
			case 1:
				data[at] ^= 1 << rng.IntN(8)
			case 2:
				data[at] = []byte{0, 0x7f, 0x80, 0xff}[rng.IntN(4)]
			case 3:
				copy(data[at:], []byte{0xff, 0xff, 0xff, 0xff, 0x0f}[:rng.IntN(6)])
			}
		}
		c, err := dialClient(b.n.addr)
		if err != nil {
			return
		}
		defer c.nc.Close()
		c.nc.SetDeadline(time.Now().Add(shrug / 10))
		c.nc.Write(data) // may be closed half-way
		c.answer()       // whatever it is
	})
}

// deafClients ask for all there is, again and again, and read nothing.
func (b *besieged) deafClients(rng *rand.Rand) {
	fetch := kmsg.NewPtrFetchRequest()
	fetch.Version, fetch.MaxBytes, fetch.MinBytes, fetch.MaxWaitMillis = 11, math.MaxInt32, 1, 0
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic = "open"
	for p := range int32(brokers) {
		part := kmsg.NewFetchRequestTopicPartition()
		part.Partition, part.PartitionMaxBytes = p, math.MaxInt32
		topic.Partitions = append(topic.Partitions, part)
	}
	fetch.Topics = append(fetch.Topics, topic)
	meta := kmsg.NewPtrMetadataRequest()
	meta.Version = 8
	var open []net.Conn
	var mu sync.Mutex
	many(rng, 60, 20, func(i int, rng *rand.Rand) {
		nc, err := net.DialTimeout("tcp", b.n.addr, patience)
		if err != nil {
			b.t.Error(err)
			return
		}
		mu.Lock()
		open = append(open, nc)
		mu.Unlock()
		one := transport.AppendRequest("e2e", 1, []kmsg.Request{fetch, meta}[i%2])
		nc.SetDeadline(time.Now().Add(time.Second))
		nc.Write(bytes.Repeat(one, 5000)) // the broker stops reading at some point
	})
	b.serves("with clients that don't read")
	for _, nc := range open {
		nc.Close()
	}
}

// hostile makes up values of fields.
type hostile struct {
	batches [][]byte
	ids     [][16]byte
}

func newHostile(b *besieged, rng *rand.Rand) *hostile {
	h := &hostile{}
	m, err := b.n.metadata("open")
	if err != nil {
		b.t.Fatal(err)
	}
	h.ids = append(h.ids, [16]byte{}, m.Topics["open"].ID, [16]byte(randomBytes(rng, 16)))
	zeros := make([]byte, 64<<20)
	for codec, option := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		records := record(strings.Repeat("x", 100))
		if codec > 0 {
			compressor, err := kgo.DefaultCompressor(option)
			if err != nil {
				b.t.Fatal(err)
			}
			bomb, _ := compressor.Compress(new(bytes.Buffer), zeros)
			if len(bomb) < 900_000 {
				h.batches = append(h.batches, batch(int16(codec), 1, bomb))
			}
			records, _ = compressor.Compress(new(bytes.Buffer), records)
		}
		h.batches = append(h.batches, batch(int16(codec), 1, records), batch(int16(codec), 1, randomBytes(rng, 1000)))
	}
	good := batch(0, 1, record("fine"))
	for range 60 { // one field of the header is wrong, the checksum right or not
		b := bytes.Clone(good)
		at := []int{0, 8, 12, 16, 21, 23, 27, 35, 43, 51, 53, 57, 61, 62}[rng.IntN(14)]
		copy(b[at:], [][]byte{{0xff, 0xff, 0xff, 0xff}, {0x7f, 0xff, 0xff, 0xff}, {0x80, 0, 0, 0}, {0, 0, 0, 0}, {0, 0x0f, 0, 0}, randomBytes(rng, 4)}[rng.IntN(6)])
		if rng.IntN(4) > 0 {
			seal(b)
		}
		h.batches = append(h.batches, b)
	}
	h.batches = append(h.batches, nil, []byte{}, good, append(bytes.Clone(good), good...), good[:len(good)-1], good[:61], good[:20], append(bytes.Clone(good), 0))
	return h
}

// record is one record of a batch.
func record(value string) []byte {
	body := append([]byte{0, 0, 0, 1}, binary.AppendVarint(nil, int64(len(value)))...)
	body = append(append(body, value...), 0)
	return append(binary.AppendVarint(nil, int64(len(body))), body...)
}

// batch is a batch whose header tells the truth.
func batch(attributes int16, n int, records []byte) []byte {
	b := make([]byte, 61, 61+len(records))
	b[16] = 2
	binary.BigEndian.PutUint16(b[21:], uint16(attributes))
	binary.BigEndian.PutUint32(b[23:], uint32(n-1))
	for i := 43; i < 57; i++ {
		b[i] = 0xff // no producer
	}
	binary.BigEndian.PutUint32(b[57:], uint32(n))
	b = append(b, records...)
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
	seal(b)
	return b
}

func seal(b []byte) {
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
}

// greatest is about how many bytes a hostile request has at most; TestGreatFrames has greater ones.
const greatest = 4 << 20

// request sets every field of a request: now to what could be, now to what can't.
func (h *hostile) request(rng *rand.Rand, req kmsg.Request) {
	f := filler{h, rng, greatest}
	f.fill(reflect.ValueOf(req).Elem(), "")
}

// filler fills one request.
type filler struct {
	*hostile
	rng  *rand.Rand
	left int // bytes, about
}

func (f *filler) fill(v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Field(i); field.CanSet() && v.Type().Field(i).Name != "Version" {
				f.fill(field, v.Type().Field(i).Name)
			}
		}
	case reflect.Pointer:
		if f.rng.IntN(4) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem(), name)
		}
	case reflect.Bool:
		v.SetBool(f.rng.IntN(2) == 0)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(f.number(name))
	case reflect.String:
		text := f.text(name)
		f.left -= len(text)
		v.SetString(text)
	case reflect.Array:
		if v.Type() == reflect.TypeFor[[16]byte]() {
			v.Set(reflect.ValueOf(f.ids[f.rng.IntN(len(f.ids))]))
		}
	case reflect.Slice:
		f.list(v, name)
	}
}

func (f *filler) list(v reflect.Value, name string) {
	if v.Type() == reflect.TypeFor[[]byte]() {
		if batch := f.batches[f.rng.IntN(len(f.batches))]; len(batch) <= f.left {
			f.left -= len(batch)
			v.SetBytes(batch)
		}
		return
	}
	n := []int{0, 1, 1, 1, 2, 3}[f.rng.IntN(6)]
	if k := v.Type().Elem().Kind(); k != reflect.Struct && f.rng.IntN(20) == 0 {
		n = 20_000
	} else if f.rng.IntN(60) == 0 {
		n = 300
	}
	if f.left < 30*n || n == 0 && f.rng.IntN(2) == 0 {
		return // null
	}
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	for i := range n {
		f.left -= 10
		f.fill(v.Index(i), name)
	}
}

var extremes = []int64{0, 1, 2, -1, -2, 100, 1 << 20, math.MaxInt8, math.MinInt8, math.MaxInt16, math.MinInt16, math.MaxInt32, math.MinInt32,
	math.MaxInt64, math.MinInt64}

func (f *filler) number(name string) int64 {
	rng := f.rng
	if rng.IntN(3) > 0 {
		switch name {
		case "Partition", "Partitions":
			return int64(rng.IntN(4))
		case "NumPartitions", "ReplicationFactor":
			return []int64{-1, 1, 2, 3}[rng.IntN(4)]
		case "MaxWaitMillis", "TimeoutMillis", "CurrentLeaderEpoch", "SessionID", "SessionEpoch":
			return []int64{0, -1}[rng.IntN(2)]
		case "Acks":
			return []int64{-1, -1, 1, 0}[rng.IntN(4)]
		}
	}
	return extremes[rng.IntN(len(extremes))]
}

func (f *filler) text(name string) string {
	rng := f.rng
	if rng.IntN(2) == 0 {
		switch name {
		case "Topic", "Topics", "TopicNames":
			return []string{"open", "other"}[rng.IntN(2)]
		case "ClientSoftwareName", "ClientSoftwareVersion":
			return "e2e"
		case "Name":
			return []string{"retention.ms", "max.message.bytes", "segment.bytes", "cleanup.policy", "message.timestamp.type"}[rng.IntN(5)]
		}
	}
	return []string{"", ".", "..", "a", "a.b", "a_b", "a/b", "../../etc", "\x00", "\xff\xfe", "__consumer_offsets", "__cluster_metadata", "größe",
		strings.Repeat("n", 249), strings.Repeat("n", 250), strings.Repeat("long", 8000), fmt.Sprint(rng.IntN(20))}[rng.IntN(17)]
}
