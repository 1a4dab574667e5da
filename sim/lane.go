package sim

import (
	"fmt"
	"hash/crc32"
	"io/fs"
	"strings"

	"logd/broker"
	"logd/log"
)

// lane is one queue of a shard's disk work: one plan, one operation at a time, each with a beginning and an end in virtual
// time, so that anything may happen between and in the midst of any two.
type lane struct {
	busy bool
	plan log.Plan
	next int
	work work
	due  func() // the operation's time is over
	end  func() // the same, and the process isn't paused
}

func (h *host) startPlan(p log.Plan) {
	l := &h.lanes[p.Lane]
	if l.busy {
		h.w.violate(BadResponse, "%v: plan %d of lane %s while plan %d is out", h, p.ID, kept(p.Lane), l.plan.ID)
		return
	}
	if l.due == nil {
		l.end = func() { h.endOp(l) }
		l.due = func() { h.p.whenRunning(l.end) }
	}
	l.busy, l.plan, l.next = true, p, 0
	h.beginOp(l)
}

func (h *host) beginOp(l *lane) {
	w, d := h.w, h.p.node.disk
	if l.next == len(l.plan.Ops) {
		h.endPlan(l, nil)
		return
	}
	op := &l.plan.Ops[l.next]
	fail := w.faults.fails(h, op.Kind)
	w.trace.add(w.now, traceOp, h.p.node.index<<8|h.index, uint64(op.Kind)<<32|uint64(crc32.Checksum([]byte(op.File), castagnoli)), uint64(op.Off))
	if len(op.Data) > 0 {
		w.trace.bytes(w.now, traceOp, int(op.Kind), uint64(op.Off), op.Data)
	}
	if w.trace.verbose() {
		w.trace.line(w.now, traceOp, "%v %s.%d: %v", h, l.plan.Lane, l.plan.ID, *op)
	}
	h.tally(l.plan.Lane, op)
	l.work = d.begin(*op, h.prefix, fail)
	takes := d.duration(&w.opt.Disk, op.Kind) + w.faults.slowDisk(h.p.node)
	if takes > h.p.node.limits.Tick {
		h.p.node.ails = max(h.p.node.ails, w.now+takes) // it stalls
	}
	w.watch.disk(h, l.plan.Lane, op, takes, fail)
	if l.plan.Lane == log.LaneWAL {
		h.w.moment(onWriting, h.p.node, takes)
	}
	w.after(takes, l.due)
}

func (h *host) endOp(l *lane) {
	w := h.w
	op := &l.work.op
	err := h.p.node.disk.end(&l.work, h.prefix)
	switch op.Kind {
	case log.OpSync, log.OpWriteSync:
		w.count[CountSyncs]++
	}
	if err != nil {
		h.endPlan(l, fmt.Errorf("%s: %w", *op, err))
		return
	}
	l.next++
	h.beginOp(l)
}

// tally counts what operations tell of the log.
func (h *host) tally(lane log.Lane, op *log.Op) {
	switch op.Kind {
	case log.OpCreate, log.OpMkdir, log.OpRename, log.OpRemove, log.OpSyncDir:
		h.w.mark(MarkName, h.p.node)
	default:
		if lane == log.LaneFill {
			h.w.mark(MarkFlush, h.p.node)
		}
	}
	if lane == log.LaneWAL {
		h.rolls = false
	}
	switch {
	case lane == log.LaneWAL && (op.Kind == log.OpWrite || op.Kind == log.OpWriteSync) && op.File != h.walFile:
		if h.walFile != "" {
			h.w.count[CountWALRolls]++
			h.rolls = true
			h.w.mark(MarkRoll, h.p.node)
		}
		h.walFile = op.File
	case op.Kind == log.OpCreate && strings.HasSuffix(op.File, ".log"):
		h.w.count[CountSegments]++
		h.w.views.segmentMade(op.File)
	}
}

// endPlan hands the plan back; its bytes are the driver's until here, and worthless afterwards.
func (h *host) endPlan(l *lane, err error) {
	for i := range l.plan.Ops {
		poison(l.plan.Ops[i].Data)
	}
	done := broker.PlanDone{Done: log.Done{Lane: l.plan.Lane, ID: l.plan.ID, Ran: l.next, Err: err}}
	*l = lane{due: l.due, end: l.end}
	h.give(done)
}

// abandon is the death of the process in the midst of its work.
func (h *host) abandon(powerLost bool) {
	for i := range h.lanes {
		if l := &h.lanes[i]; l.busy && l.next < len(l.plan.Ops) {
			h.p.node.disk.abandon(&l.work, h.prefix, powerLost)
		}
	}
}

func (h *host) startRead(r log.Read) {
	w, d := h.w, h.p.node.disk
	w.count[CountColdReads]++
	w.trace.add(w.now, traceRead, h.p.node.index<<8|h.index, uint64(crc32.Checksum([]byte(r.File), castagnoli)), uint64(r.Off))
	w.after(d.draw(&w.opt.Disk, w.opt.Disk.Read), func() {
		h.p.whenRunning(func() {
			done := broker.ReadDone{ReadDone: log.ReadDone{ID: r.ID, Brief: r.Brief}}
			if f, err := d.file("read", h.prefix+r.File); err != nil {
				done.Err = fmt.Errorf("%s: %w", r.File, fs.ErrNotExist)
			} else {
				buf := h.readBuffer(r.Brief, int(max(0, min(int64(r.Len), f.size-r.Off))))
				n, err := f.readAt(buf, r.Off)
				if done.Data = buf[:n]; err != nil {
					w.count[CountReadErrors]++
					f.copyTo(buf, r.Off)
					f.blot(buf, r.Off)
					done.Data, done.Err = buf, fmt.Errorf("%s: read %d+%d: %w", r.File, r.Off, r.Len, err)
				}
			}
			h.give(done)
		})
	})
}

// readBuffer returns n bytes of any content; brief ones come back at the end of a turn.
func (h *host) readBuffer(brief bool, n int) []byte {
	if last := len(h.spare) - 1; brief && last >= 0 && cap(h.spare[last]) >= n {
		buf := h.spare[last][:n]
		h.spare = h.spare[:last]
		return buf
	}
	return make([]byte, n)
}
