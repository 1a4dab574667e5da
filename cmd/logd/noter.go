package main

import (
	"sync"

	"logd/log"
)

// noter has the directory remember this start, once, whichever shard asks first (S7). Loops wait for it: they have nothing to say
// for their replicas before.
type noter struct {
	mu   sync.Mutex
	tree log.FS
	dir  log.Dir
	boot uint64
}

func (n *noter) note() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	dir, err := log.NoteStart(n.tree, n.dir, n.boot)
	if err == nil {
		n.dir = dir
	}
	return err
}
