package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"logd/broker"
	"logd/log"
	"logd/transport/tcp"
)

const (
	slowTurn  = 5 * time.Millisecond
	slowEvery = 10 * time.Second // one line about slow turns in so long
	noteRetry = time.Second      // on a full disk
	readers   = 8                // cold reads of a shard that run at the same time
)

var (
	errHalt = errors.New("halted")
	errEnd  = errors.New("the broker ends")
	// errRejoin says that the directory must be set aside.
	errRejoin = errors.New("this directory must not be used any more")
)

// stepper is a [broker.Shard].
type stepper interface {
	Step(now broker.Now, events []broker.Event, out *broker.Output)
}

// loop drives one shard.
type loop struct {
	index   int
	shard   stepper
	fs      log.FS // the shard's own tree
	log     *slog.Logger
	start   time.Time
	in      *inbox
	mates   []*loop // all loops of the process, itself included
	links   map[int32]*tcp.Link
	clients map[broker.ConnID]*tcp.Conn
	peers   map[broker.ConnID]*tcp.Conn // inbound
	lanes   [log.Lanes]chan log.Plan
	files   int            // that a lane keeps open
	reading chan struct{}  // a token per cold read that runs
	spare   chan []byte    // what brief reads had
	working sync.WaitGroup // lanes that may still write
	full    func()         // the disk is full: something waits for room
	note    func() error   // has the directory remember this start
	noteAt  time.Duration  // when to try again; 0: needn't

	slowest   time.Duration
	slowTurns int
	slowSaid  time.Time
}

func newLoop(index int, shard stepper, fs log.FS, logger *slog.Logger, start time.Time) *loop {
	l := &loop{index: index, shard: shard, fs: fs, log: logger, start: start, in: newInbox(),
		links: map[int32]*tcp.Link{}, clients: map[broker.ConnID]*tcp.Conn{}, peers: map[broker.ConnID]*tcp.Conn{},
		reading: make(chan struct{}, readers), spare: make(chan []byte, 1), full: func() {}, note: func() error { return nil }}
	for lane := range l.lanes {
		l.lanes[lane] = make(chan log.Plan, 1)
	}
	return l
}

// run steps the shard until quit is closed, or until it halts: then the error wraps errHalt. stopped is called in each turn
// in which the shard says that the process may end.
func (l *loop) run(quit <-chan struct{}, stopped func()) error {
	for _, plans := range l.lanes {
		l.working.Add(1)
		go l.runLane(plans)
		defer close(plans)
	}
	defer l.hangUp()
	var out broker.Output
	var items []item
	var events []broker.Event
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		items = l.in.swap(items)
		events = l.admit(items, events[:0])
		now := l.now()
		out.Reset()
		l.shard.Step(now, events, &out)
		l.watch(l.now().Mono - now.Mono)
		err := l.carry(&out)
		release(items) // now that what they led to counts as given
		l.reuse(events)
		clear(events)
		if err != nil {
			return err
		}
		if out.Stopped {
			stopped()
		}
		timer.Reset(max(0, l.wakeAt(out.WakeAt)-l.now().Mono))
		select {
		case <-quit:
			return nil
		case <-l.in.wake:
		case <-timer.C:
		}
	}
}

// hangUp ends all inbound connections; nothing is taken any more.
func (l *loop) hangUp() {
	l.in.close()
	for _, conns := range []map[broker.ConnID]*tcp.Conn{l.clients, l.peers} {
		for _, c := range conns { // order: they are independent
			c.Abort(errEnd)
		}
	}
}

func (l *loop) now() broker.Now {
	t := time.Now()
	return broker.Now{Mono: t.Sub(l.start), Wall: t.UnixMilli()}
}

// admit turns items into events and keeps the connections' table.
func (l *loop) admit(items []item, events []broker.Event) []broker.Event {
	for i := range items {
		it := &items[i]
		switch ev := it.ev.(type) {
		case nil:
			delete(l.peers, broker.ConnID(it.conn.ID))
			continue
		case broker.ConnOpened:
			l.clients[ev.Conn] = it.conn
		case broker.ConnClosed:
			delete(l.clients, ev.Conn)
		case broker.PeerFrame:
			l.peers[ev.Conn] = it.conn
		}
		events = append(events, it.ev)
	}
	return events
}

// carry carries out an Output (D2). The disk gets its work first, since an acknowledgement waits for it.
func (l *loop) carry(out *broker.Output) error {
	for i := range out.Logs {
		l.say(&out.Logs[i])
	}
	if out.Halt != "" {
		for _, p := range out.Peers { // leaderships are left behind
			l.links[p.To].Send(p.Bufs)
		}
	}
	if out.Rejoin != "" {
		return fmt.Errorf("%w: %s", errRejoin, out.Rejoin)
	}
	if out.Halt != "" {
		return fmt.Errorf("%w: %s", errHalt, out.Halt)
	}
	if err := l.remember(out.Note); err != nil {
		return err
	}
	for _, p := range out.Plans {
		select {
		case l.lanes[p.Lane] <- p:
		default:
			panic(fmt.Sprintf("rule D1: shard %d: a second plan of lane %s while one is out", l.index, p.Lane))
		}
	}
	for _, p := range out.Peers {
		l.links[p.To].Send(p.Bufs)
	}
	for _, r := range out.Replies {
		l.peers[r.Conn].Send(r.Bufs)
	}
	for _, s := range out.Send {
		l.clients[s.Conn].Send(s.Bufs)
	}
	for _, id := range out.Pause {
		l.clients[id].Pause()
	}
	for _, id := range out.Resume {
		l.clients[id].Resume()
	}
	for _, e := range out.Close {
		l.clients[e.Conn].Close()
	}
	for _, e := range out.Refuse {
		l.peers[e.Conn].Abort(errors.New(e.Reason))
	}
	for _, r := range out.Reads {
		go l.runRead(r)
	}
	if out.Starved {
		l.full()
	}
	for _, m := range out.Mail {
		l.mates[m.To].in.put(item{ev: m})
	}
	return nil
}

// remember has the directory remember this start. On a full disk it tries again: the shard takes part in nothing till then.
func (l *loop) remember(asked bool) error {
	if !asked && (l.noteAt == 0 || l.now().Mono < l.noteAt) {
		return nil
	}
	l.noteAt = 0
	err := l.note()
	if errors.Is(err, log.ErrNoSpace) {
		l.log.Warn("the disk is full: the directory can't remember this start yet", "shard", l.index, "again_in", noteRetry, "err", err)
		l.full()
		l.noteAt = l.now().Mono + noteRetry
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errHalt, err)
	}
	l.in.put(item{ev: broker.Noted{}})
	return nil
}

// wakeAt is when the next turn is due at the latest.
func (l *loop) wakeAt(shard time.Duration) time.Duration {
	if l.noteAt > 0 {
		return min(shard, l.noteAt)
	}
	return shard
}

// runLane runs plans one after the other; the runner keeps their files open.
func (l *loop) runLane(plans <-chan log.Plan) {
	defer l.working.Done()
	runner := log.NewRunner(l.fs)
	runner.Keep = l.files
	defer runner.Close()
	for p := range plans {
		l.in.put(item{ev: broker.PlanDone{Done: runner.Run(p)}})
	}
}

// runRead opens the file anew each time: a lane may have replaced the file of that name since the last read.
func (l *loop) runRead(r log.Read) {
	l.reading <- struct{}{}
	runner := log.NewRunner(l.fs)
	var buf []byte
	if r.Brief {
		select {
		case buf = <-l.spare:
		default:
		}
	}
	done := runner.ReadInto(buf, r)
	runner.Close()
	<-l.reading
	l.in.put(item{ev: broker.ReadDone{ReadDone: done}})
}

// reuse keeps what a brief read had for the next one: a scrub reads all there is, again and again.
func (l *loop) reuse(events []broker.Event) {
	for _, e := range events {
		if d, ok := e.(broker.ReadDone); ok && d.Brief {
			select {
			case l.spare <- d.Data:
			default:
			}
		}
	}
}

// watch logs turns that took long, seldom.
func (l *loop) watch(took time.Duration) {
	if took < slowTurn {
		return
	}
	l.slowTurns++
	l.slowest = max(l.slowest, took)
	if time.Since(l.slowSaid) < slowEvery {
		return
	}
	level := slog.LevelDebug
	if l.slowest >= 20*slowTurn {
		level = slog.LevelInfo
	}
	l.log.Log(context.Background(), level, "slow turns", "shard", l.index, "turns", l.slowTurns, "longest", l.slowest)
	l.slowSaid, l.slowTurns, l.slowest = time.Now(), 0, 0
}

var levels = [...]slog.Level{broker.LevelDebug: slog.LevelDebug, broker.LevelInfo: slog.LevelInfo,
	broker.LevelWarn: slog.LevelWarn, broker.LevelError: slog.LevelError}

func (l *loop) say(e *broker.LogEvent) {
	attrs := make([]any, 0, 2*len(e.Attrs))
	for _, a := range e.Attrs {
		attrs = append(attrs, a.Key, a.Value)
	}
	l.log.Log(context.Background(), levels[e.Level], e.Text, attrs...)
}
