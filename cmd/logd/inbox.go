package main

import (
	"sync"

	"logd/broker"
	"logd/transport/tcp"
)

// item is one event on its way to a shard, with what the loop needs beside it.
type item struct {
	ev   broker.Event // nil: a peer's connection is gone
	conn *tcp.Conn    // of ConnOpened and PeerFrame, and of a peer's connection that is gone
	free func()       // gives back what bounds the sender, after the turn (D3); nil if nothing does
}

// inbox is what happened to a shard and was not stepped yet.
type inbox struct {
	mu     sync.Mutex
	items  []item
	closed bool
	wake   chan struct{} // holds one token while there is something
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

// put adds an event; it never waits.
func (b *inbox) put(it item) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		it.release()
		return
	}
	b.items = append(b.items, it)
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// swap takes all there is, and leaves empty, a slice to be filled again.
func (b *inbox) swap(empty []item) []item {
	b.mu.Lock()
	defer b.mu.Unlock()
	items := b.items
	b.items = empty[:0]
	return items
}

// close drops what is there and what comes from now on.
func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	release(b.items)
}

func (it *item) release() {
	if it.free != nil {
		it.free()
	}
}

// release gives back what items hold, and forgets them.
func release(items []item) {
	for i := range items {
		items[i].release()
	}
	clear(items)
}
