package e2e

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/transport"
)

// wire makes connections of one producer that write into a history what is sent and answered on them (E1).
type wire struct {
	t      *testing.T
	h      *history
	client int64

	resent  atomic.Int64 // requests that were not sent, because they held a value that was sent before
	deepest atomic.Int64 // most requests that were under way on one connection
}

// errResent is what kgo gets for a request that would send a value a second time.
var errResent = errors.New("e2e: not sent: a value in it was sent before")

func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	nc, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &wireConn{Conn: nc, wire: w, open: map[int32]*produced{}}, nil
}

// produced is a Produce request that was sent.
type produced struct {
	version int16
	batches map[placeOf][]string
}

// placeOf is where a batch goes; a version of Produce knows one of the topic's names.
type placeOf struct {
	topic     string
	id        [16]byte
	partition int32
}

// wireConn is one connection; kgo writes whole requests, one in a call.
type wireConn struct {
	net.Conn
	wire   *wire
	frames transport.Frames // of responses

	mu   sync.Mutex
	open map[int32]*produced // by correlation id
}

func (c *wireConn) Write(b []byte) (int, error) {
	if len(b) < 8 || int(binary.BigEndian.Uint32(b)) != len(b)-4 {
		panic(fmt.Sprintf("e2e: kgo writes %d bytes that are not one request", len(b)))
	}
	if int16(binary.BigEndian.Uint16(b[4:])) != kmsg.Produce.Int16() {
		return c.Conn.Write(b)
	}
	req, err := transport.ParseRequest(b[4:], func(int16) (int16, int16, bool) { return 0, 99, true })
	if err != nil {
		panic(fmt.Sprintf("e2e: kgo's request: %v", err))
	}
	body := req.Body.(*kmsg.ProduceRequest)
	if body.Acks != -1 {
		panic(fmt.Sprintf("e2e: kgo asks for acks %d", body.Acks))
	}
	p := &produced{version: req.Version, batches: map[placeOf][]string{}}
	appends := map[string][]string{}
	for _, topic := range body.Topics {
		for _, part := range topic.Partitions {
			values, err := valuesOf(part.Records)
			if err != nil {
				panic(fmt.Sprintf("e2e: kgo's batch: %v", err))
			}
			p.batches[placeOf{topic.Topic, topic.TopicID, part.Partition}] = values
			appends[c.wire.h.part(part.Partition)] = values
		}
	}
	if !c.wire.h.sending(c.wire.client, appends) {
		c.wire.resent.Add(1)
		return 0, errResent
	}
	c.mu.Lock()
	c.open[req.Corr] = p
	under := int64(len(c.open))
	c.mu.Unlock()
	for deepest := c.wire.deepest.Load(); under > deepest && !c.wire.deepest.CompareAndSwap(deepest, under); {
		deepest = c.wire.deepest.Load()
	}
	return c.Conn.Write(b)
}

func (c *wireConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.frames.Feed(b[:n])
	for {
		frame, ok, ferr := c.frames.Next()
		if ferr != nil {
			c.wire.t.Errorf("a broker sends a bad frame: %v", ferr)
			return n, ferr
		}
		if !ok {
			return n, err
		}
		if len(frame) < 4 {
			c.wire.t.Errorf("a broker sends a response of %d bytes", len(frame))
			continue
		}
		c.mu.Lock()
		corr := int32(binary.BigEndian.Uint32(frame))
		p := c.open[corr]
		delete(c.open, corr)
		c.mu.Unlock()
		if p != nil {
			c.response(frame, p)
		}
	}
}

// response notes what a broker answered. Every batch must have its answer, once.
func (c *wireConn) response(frame []byte, p *produced) {
	_, resp, err := transport.ParseResponse(frame, kmsg.Produce.Int16(), p.version)
	if err != nil {
		c.wire.t.Errorf("a broker's Produce response: %v", err)
		return
	}
	for _, topic := range resp.(*kmsg.ProduceResponse).Topics {
		for _, part := range topic.Partitions {
			place := placeOf{topic.Topic, topic.TopicID, part.Partition}
			values, ok := p.batches[place]
			if !ok {
				c.wire.t.Errorf("a Produce response for %+v, which was not asked, or twice", place)
				continue
			}
			delete(p.batches, place)
			c.wire.h.answered(values, part.ErrorCode, part.BaseOffset)
		}
	}
	if len(p.batches) > 0 {
		c.wire.t.Errorf("a Produce response without an answer for %d batches", len(p.batches))
	}
}

// valuesOf are the values in an uncompressed batch. kgo sends none for a batch that it has given up meanwhile.
func valuesOf(batch []byte) ([]string, error) {
	if len(batch) == 0 {
		return nil, nil
	}
	var b kmsg.RecordBatch
	if err := b.ReadFrom(batch); err != nil {
		return nil, err
	}
	var values []string
	for rest := b.Records; len(rest) > 0; {
		length, n := binary.Varint(rest)
		if n <= 0 || length < 0 || length > int64(len(rest)-n) {
			return nil, fmt.Errorf("a record of %d bytes, %d are left", length, len(rest)-n)
		}
		var r kmsg.Record
		if err := r.ReadFrom(rest[:n+int(length)]); err != nil {
			return nil, err
		}
		value, err := valueOf(r.Value)
		if err != nil {
			return nil, err
		}
		values = append(values, value)
		rest = rest[n+int(length):]
	}
	if len(values) != int(b.NumRecords) {
		return nil, fmt.Errorf("%d records, the batch says %d", len(values), b.NumRecords)
	}
	return values, nil
}

// options are those of a producer that sends each record once, as far as kgo can.
func (w *wire) options(addrs []string) []kgo.Opt {
	return []kgo.Opt{kgo.SeedBrokers(addrs...), kgo.Dialer(w.dial),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.DisableIdempotentWrite(), kgo.RecordRetries(0), kgo.MaxProduceRequestsInflightPerBroker(8),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerLinger(0),
	}
}
