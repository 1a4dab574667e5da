package sim

import (
	"fmt"
	"math"
)

// do sends it. What would make a sound broker look wrong isn't asked: to read beyond what is known to be there (S13), and to
// trim what this client hasn't read (T1), or to leave without an id. A drawn run asks none of it.
func (a request) do(w *World) error {
	c := w.client(a.client)
	if c.over {
		return fmt.Errorf("client %d has gone", c.number)
	}
	if a.at == atUsual {
		a.at = c.usually(a)
	}
	switch a.kind {
	case askCreate:
		if w.budgeted() && !w.mayMake(a.copies) {
			return fmt.Errorf("%w: %d replicas may be where most are lost", ErrBudget, a.copies)
		}
	case askGet:
		if l := c.knows(a.topic).life; l != nil && a.at > l.length(a.index) {
			return fmt.Errorf("%s isn't known to have offset %d", labelledLife(l, a.index), a.at)
		}
	case askRead:
		if a.at > w.views.known[a.part] {
			return fmt.Errorf("%s isn't known to have offset %d", w.partName(a.part), a.at)
		}
	case askEpoch:
		if err := a.mayAsk(c); err != nil {
			return err
		}
	case askTrim:
		if w.budgeted() && a.at > c.read[a.part] {
			return fmt.Errorf("client %d has read %s up to %d", c.number, w.partName(a.part), c.read[a.part])
		}
	case askBump:
		if p := c.producer(); !p.has || p.epoch == math.MaxInt16 {
			return fmt.Errorf("client %d has no producer id, or no higher epoch", c.number)
		}
	case askResend:
		if c.unsettled(a.part, a.at) == nil {
			return fmt.Errorf("client %d has no batch of sequence %d that isn't settled", c.number, a.at)
		}
	case askSend:
		if p := c.producer(); !p.has || len(p.live) >= inFlight {
			return fmt.Errorf("client %d has no producer id, or %d batches that aren't settled", c.number, inFlight)
		}
		if next, ok := c.nextSequence(a.part); ok && w.budgeted() && a.at != next {
			return fmt.Errorf("client %d has sequence %d of %s next", c.number, next, w.partName(a.part))
		}
		if w.budgeted() && w.retains(a.part) && a.records > 1 {
			return fmt.Errorf("batches of %s have one record (T2)", w.partName(a.part))
		}
	case askLeave:
		if c.seat.modern && c.seat.id == "" {
			return fmt.Errorf("client %d is no member", c.number)
		}
	case askCommit, askGhost:
		if err := a.mayCommit(c); err != nil && w.budgeted() {
			return err
		}
	case askAppend:
		if w.budgeted() && w.retains(a.part) && a.records > 1 {
			return fmt.Errorf("batches of %s have one record (T2)", w.partName(a.part))
		}
	}
	c.askNow(a)
	return nil
}
