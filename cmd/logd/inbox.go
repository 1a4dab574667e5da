package main

import (
	"sync"

	"logd/broker"
	"logd/transport/tcp"
)

const (
	frameBytes = 64 << 20 // of envelopes waiting for one shard; over it their connections aren't read
	turnBytes  = 4 << 20  // taken into one turn, about
)

// item is one event on its way to a shard, with what the loop needs beside it.
type item struct {
	ev   broker.Event // nil: a peer's connection is gone
	conn *tcp.Conn    // of ConnOpened and PeerFrame, and of a peer's connection that is gone
	buf  *tcp.Buf     // of ConnData: to be released after the turn
}

func (it *item) bytes() int {
	switch ev := it.ev.(type) {
	case broker.ConnData:
		return len(ev.Data)
	case broker.PeerFrame:
		return len(ev.Data)
	}
	return 0
}

// inbox is what happened to a shard and was not stepped yet.
type inbox struct {
	mu     sync.Mutex
	room   sync.Cond
	items  []item
	frames int // bytes of PeerFrames in items
	closed bool
	wake   chan struct{} // holds one token while there is something
}

func newInbox() *inbox {
	b := &inbox{wake: make(chan struct{}, 1)}
	b.room.L = &b.mu
	return b
}

// put adds an event; it never waits.
func (b *inbox) put(it item) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(it)
}

// putFrame adds a PeerFrame, and waits for room before (D3).
func (b *inbox) putFrame(it item) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.frames > frameBytes && !b.closed {
		b.room.Wait()
	}
	b.frames += it.bytes()
	b.add(it)
}

func (b *inbox) add(it item) {
	if b.closed {
		if it.buf != nil {
			it.buf.Release()
		}
		return
	}
	b.items = append(b.items, it)
	b.signal()
}

func (b *inbox) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// take moves what is there to the end of into, about turnBytes of it.
func (b *inbox) take(into []item) []item {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for size := 0; n < len(b.items) && size < turnBytes; n++ {
		it := &b.items[n]
		size += it.bytes()
		if _, ok := it.ev.(broker.PeerFrame); ok {
			b.frames -= it.bytes()
		}
	}
	into = append(into, b.items[:n]...)
	rest := copy(b.items, b.items[n:])
	clear(b.items[rest:])
	b.items = b.items[:rest]
	if rest > 0 {
		b.signal()
	}
	b.room.Broadcast()
	return into
}

// close drops what comes from now on; nobody waits any more.
func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, it := range b.items {
		if it.buf != nil {
			it.buf.Release()
		}
	}
	b.items = nil
	b.room.Broadcast()
}
