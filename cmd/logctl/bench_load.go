package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// load is the producing side of bench produce.
type load struct {
	app  *app
	f    benchProduceFlags
	data *payloads
}

func (l *load) mode() string {
	switch l.f.clients {
	case 0:
		return fmt.Sprintf("throughput: 1 client, %d requests in flight per broker", l.f.inFlight)
	case 1:
		return "one record in flight"
	}
	return fmt.Sprintf("%d clients, one record in flight each", l.f.clients)
}

func (l *load) client(buffered int) (*kgo.Client, error) {
	opts := append(l.app.clientOptions(newTrouble()),
		kgo.DefaultProduceTopic(l.f.topic),
		kgo.MaxProduceRequestsInflightPerBroker(l.f.inFlight),
		kgo.MaxBufferedRecords(buffered),
		kgo.ProducerBatchMaxBytes(l.f.batchBytes),
		kgo.ProducerLinger(l.f.linger),
		kgo.RecordDeliveryTimeout(l.app.timeout),
		kgo.ProduceRequestTimeout(l.app.timeout),
		// Fills a batch before it turns to the next partition, and prefers partitions with little waiting.
		kgo.RecordPartitioner(kgo.UniformBytesPartitioner(int(l.f.batchBytes), true, false, nil)))
	acks, err := parseAcks(l.f.acks)
	if err != nil {
		return nil, err
	}
	opts = append(opts, kgo.RequiredAcks(acks))
	comp, err := codecNamed(l.f.codec)
	if err != nil {
		return nil, err
	}
	if comp == nil {
		opts = append(opts, kgo.ProducerBatchCompression(kgo.NoCompression()))
	} else {
		opts = append(opts, kgo.WithCompressor(comp))
	}
	return kgo.NewClient(opts...)
}

// worker produces until its window ends and everything it sent is decided.
type worker struct {
	cl   *kgo.Client
	lat  *latencies
	work func(ctx context.Context) error
}

func (l *load) run(ctx context.Context) (*window, measured, *latencies, error) {
	w := newWindow()
	workers, err := l.workers(w)
	defer func() {
		for _, k := range workers {
			k.cl.Close()
		}
	}()
	if err != nil {
		return nil, measured{}, nil, err
	}
	wctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, len(workers))
	for _, k := range workers {
		go func() { done <- k.work(wctx) }()
	}
	m, err := w.hold(ctx, l.app, l.f.warmup, l.f.duration, l.f.pids)
	if err != nil {
		cancel()
	}
	all := newLatencies()
	for range workers {
		if werr := <-done; err == nil {
			err = werr
		}
	}
	for _, k := range workers {
		all.merge(k.lat)
	}
	return w, m, all, err
}

func (l *load) workers(w *window) ([]*worker, error) {
	var out []*worker
	for i := range max(1, l.f.clients) {
		slots := 1
		if l.f.clients == 0 {
			slots = min(max(l.f.buffer/l.f.size, 1), 1<<16)
		}
		cl, err := l.client(slots + 1)
		if err != nil {
			return out, err
		}
		k := &worker{cl: cl, lat: newLatencies()}
		p := &pipe{worker: k, w: w, data: l.data.fork(i), free: make(chan *slot, slots), timeout: l.app.timeout}
		for range slots {
			p.free <- p.newSlot()
		}
		k.work = p.run
		out = append(out, k)
	}
	return out, nil
}

// pipe keeps all of its slots in flight. Slots, records and callbacks are made once and used again, so that the client's
// own cost stays small beside kgo's.
type pipe struct {
	*worker
	w       *window
	data    *payloads
	free    chan *slot
	timeout time.Duration
}

type slot struct {
	rec   kgo.Record
	began time.Time
	done  func(*kgo.Record, error)
}

func (p *pipe) newSlot() *slot {
	s := &slot{}
	// kgo calls the promises of one client one after another, so the histogram needs no lock.
	s.done = func(r *kgo.Record, err error) {
		switch {
		case err != nil && p.w.ended():
			// Cut off by the end of the bench or by the user: not part of what was measured.
		case err != nil:
			p.w.erred(err)
		case p.w.acked(len(r.Value)):
			p.lat.add(time.Since(s.began))
		}
		p.free <- s
	}
	return s
}

func (p *pipe) run(ctx context.Context) error {
	for !p.w.ended() {
		select {
		case s := <-p.free:
			s.rec = kgo.Record{Value: p.data.next()}
			s.began = time.Now()
			p.cl.Produce(ctx, &s.rec, s.done)
		case <-ctx.Done():
			return nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	if err := p.cl.Flush(ctx); err != nil {
		return fmt.Errorf("records sent in the window are undecided after %v: %w", p.timeout, err)
	}
	return nil
}
