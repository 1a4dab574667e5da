package sim

import "logd/broker"

// A driver steps a shard again at WakeAt. One that asks for that at once, and then has nothing to do, burns a core for as long as it
// goes on so. Here each turn takes time, so nothing else would tell: neither the clock stands still, nor does anybody wait.

// maxSpun bounds the turns in a row that change nothing and ask for the next at once. A turn without an event may go on with work that
// the one before left, but such work asks for something of the driver long before.
const maxSpun = 100

// spins judges a turn that took so many events.
func (h *host) spins(events int) {
	if events > 0 || wantsWork(&h.out) || h.out.WakeAt > h.now().Mono {
		h.spun = 0
		return
	}
	if h.spun++; h.spun > maxSpun {
		h.w.violate(BusyLoop, "%v had nothing to do in %d turns in a row, and asks for the next at once: it spins", h, h.spun)
	}
}

// wantsWork reports whether a turn asked its driver for anything but to be stepped again.
func wantsWork(o *broker.Output) bool {
	return len(o.Send)+len(o.Close)+len(o.Pause)+len(o.Resume)+len(o.Peers)+len(o.Replies)+len(o.Refuse)+len(o.Plans)+len(o.Reads)+len(o.Mail)+len(o.Logs) > 0 ||
		o.Stopped || o.Note || o.Rejoin != "" || o.Halt != ""
}
