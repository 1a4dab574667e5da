package main

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"logd/broker"
)

// spaceEvery is the time between two looks at the room on the disk.
const spaceEvery = time.Second

// spaceWatch tells shards how much room the disk has, and gives the reserve up when one of them finds it full.
type spaceWatch struct {
	space   func() (free, total int64, err error)
	want    int64 // below it, records are refused
	reserve *reserve
	log     *slog.Logger
	starved atomic.Bool   // a shard can't write its segments
	wake    chan struct{} // of capacity 1: starved was set
	said    bool
}

func newSpaceWatch(space func() (free, total int64, err error), want int64, r *reserve, logger *slog.Logger) *spaceWatch {
	return &spaceWatch{space: space, want: want, reserve: r, log: logger, wake: make(chan struct{}, 1)}
}

// full is what a shard's loop calls when a write found the disk full.
func (w *spaceWatch) full() {
	if w.starved.Swap(true) {
		return
	}
	select {
	case w.wake <- struct{}{}:
	default: // it is awake already
	}
}

// run looks now and then, and tells all loops, until the context ends.
func (w *spaceWatch) run(ctx context.Context, loops []*loop) {
	for {
		if e, ok := w.look(); ok {
			for _, l := range loops {
				l.in.put(item{ev: e})
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case <-time.After(spaceEvery):
		}
	}
}

// look moves the reserve if it must, and says how much room there is; false if that can't be told.
func (w *spaceWatch) look() (broker.Space, bool) {
	if w.starved.Swap(false) && w.reserve.held {
		w.log.Warn("the disk is full: the reserve is given up so that what was taken in can be stored", "bytes", w.reserve.bytes, "err", w.reserve.release())
	}
	left, total, err := w.space()
	if err != nil {
		if !w.said {
			w.said = true
			w.log.Warn("can't tell how much room the disk has: a full one is noticed only when a write fails", "err", err)
		}
		return broker.Space{}, false
	}
	if !w.reserve.held && left >= w.want+2*w.reserve.bytes {
		if err := w.reserve.hold(); err != nil {
			w.log.Warn("the reserve can't be taken yet", "err", err)
		} else {
			w.log.Info("there is room again: the reserve is held", "bytes", w.reserve.bytes)
		}
	}
	return broker.Space{Free: left, Want: w.want, Total: total}, true
}
