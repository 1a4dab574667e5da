package main

import (
	"context"
	"encoding/json"
	"sync"

	"logd/sim"
)

// tellers are workers that tell stories.
type tellers struct {
	pool    *pool
	workers []*worker
	ids     uint64
}

func newTellers(p *pool, jobs int) *tellers { return &tellers{pool: p, workers: make([]*worker, jobs)} }

// tell tells at most as many stories as there are workers, at the same time.
func (b *tellers) tell(ctx context.Context, stories []string) []sim.Result {
	results := make([]sim.Result, len(stories))
	var all sync.WaitGroup
	for i, story := range stories {
		b.ids++
		id := b.ids
		all.Go(func() { results[i] = b.one(ctx, &b.workers[i], id, story) })
	}
	all.Wait()
	return results
}

// one has a worker tell a story, and gives it up if that was its end (C2).
func (b *tellers) one(ctx context.Context, w **worker, id uint64, story string) sim.Result {
	if *w == nil {
		var err error
		if *w, err = b.pool.start(context.WithoutCancel(ctx)); err != nil {
			return died(id, "its worker can't be started: %v", err)
		}
	}
	line, _ := json.Marshal(storyTask{ID: id, Story: story}) // numbers and strings always marshal
	r, alive := (*w).ask(ctx, id, string(line), b.pool.limit)
	if !alive {
		(*w).stop()
		*w = nil
	}
	return r
}

func (b *tellers) stop() {
	for _, w := range b.workers {
		if w != nil {
			w.stop()
		}
	}
}
