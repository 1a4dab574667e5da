package checker

import "fmt"

// say names an operation in an explanation.
func (p *part) say(i int32) string {
	if i < 0 {
		return "nobody"
	}
	return fmt.Sprintf("%s %d", p.ops[i].kind, p.ops[i].id)
}

func (o *opInfo) evidence() Evidence {
	e := Evidence{ID: o.id, Client: o.client, Op: o.kind.String(), Call: o.call, Outcome: o.outcome.String(), Count: int(o.n)}
	if o.outcome == 0 {
		e.Outcome = Unknown.String()
	}
	if o.ret != never {
		e.Ret = &o.ret
	}
	if o.off >= 0 {
		e.Off = &o.off
	}
	return e
}
