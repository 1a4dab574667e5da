package checker

import "fmt"

// say names an operation in an explanation.
func (p *part) say(i int32) string {
	if i < 0 {
		return "nobody"
	}
	return fmt.Sprintf("%s %d", p.ops.at(int(i)).kind(), p.times.at(int(i)).id)
}

func (p *part) evidence(i int32) Evidence {
	o, t := p.ops.at(int(i)), p.times.get(int(i))
	e := Evidence{ID: t.id, Client: p.clients.id[o.client], Op: o.kind().String(), Call: t.call, Outcome: o.outcome().String(), Count: int(o.n())}
	if o.outcome() == 0 {
		e.Outcome = Unknown.String()
	}
	if t.ret != never {
		e.Ret = &t.ret
	}
	if off := p.offset(i); off >= 0 {
		e.Off = &off
	}
	return e
}
