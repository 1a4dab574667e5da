package sim

import (
	"fmt"
	"time"
)

// startClients brings the clients to life; all but the creator wait for the topics.
func (w *World) startClients() {
	creator := newClient(w, 1, &creator{})
	creator.soon(200 * time.Millisecond)
	if w.scripted {
		return
	}
	o := &w.opt.Load
	var roles []role
	for range o.Appenders {
		roles = append(roles, &appender{})
	}
	for part := 1; part < w.partitions() && (o.Sharers == 0 || part <= o.Sharers); part++ {
		roles = append(roles, &appender{part: part, step: o.Sharers})
	}
	for i := range o.Readers {
		roles = append(roles, &reader{mode: readMode(i) % readModes})
	}
	for range o.Tailers {
		roles = append(roles, &tailer{})
	}
	for range o.Trimmers {
		roles = append(roles, newTrimmer(w))
	}
	for range o.Members {
		roles = append(roles, &consumer{think: o.Think})
	}
	for i := range o.Producers {
		roles = append(roles, &retrier{part: i % w.partitions()})
	}
	for i := range o.Fleeting {
		roles = append(roles, &maker{topic: i, clear: true}, &visitor{topic: i}, &visitor{topic: i})
	}
	if o.Fleeting > 1 {
		roles = append(roles, &maker{topic: 0}) // that isn't the only one
	}
	for range o.Surveyors {
		roles = append(roles, surveyor{})
	}
	for i, r := range roles {
		newClient(w, 2+i, r)
	}
}

func (w *World) partitions() int { return w.opt.Load.Topics * w.opt.Load.Partitions }

func (w *World) topic(part int) string { return topicNames[part/w.opt.Load.Partitions] }

var topicNames = [...]string{"orders", "audit"}

func (w *World) partName(part int) string {
	for n := len(w.names); n <= part; n++ {
		w.names = append(w.names, fmt.Sprintf("%s/%d", w.topic(n), n%w.opt.Load.Partitions))
	}
	return w.names[part]
}
