package checker

// upper is an upper bound on the length: it wasn't longer at the call of by; exactBy,
// if not -1, shows it exactly.
type upper struct {
	by, exactBy int32
	count       int64
}

// ahead holds the upper bounds that the log may yet outgrow: one for each length,
// the strictest.
type ahead struct {
	at   map[int64]upper
	next []int64 // the lengths, as a heap
}

func newAhead() ahead { return ahead{at: map[int64]upper{}} }

// shorterAhead is shorter for a length that isn't exceeded yet.
func (p *part) shorterAhead(hi int64, exact bool) {
	u, ok := p.ahead.at[hi]
	if !ok {
		p.ahead.push(hi)
		u = upper{by: p.keep(), exactBy: -1}
	}
	later := p.times.at(int(u.by)).call < p.cur.Call
	was := u
	if later {
		u.by = p.keep()
	}
	if exact && (later || u.exactBy < 0) {
		u.exactBy = p.keep()
	}
	u.count++
	p.ahead.at[hi] = u
	p.release(was.by, hi, u)
}

// release frees the number of a tail that a later one has replaced, so that a log
// that nobody appends to may be asked for its length for ever.
func (p *part) release(i int32, hi int64, u upper) {
	if i == u.by || i == u.exactBy || p.ops.at(int(i)).kind() != Tail || p.report.Found > 0 {
		return
	}
	if hi > 0 && (p.ord.rBy.get(int(hi-1)) == i || p.ord.rBy.get(p.lastOf(hi-1)) == i) {
		return
	}
	delete(p.big, i)
	p.spare = append(p.spare, i)
}

// releaseAhead applies the bounds that the log has now outgrown.
func (p *part) releaseAhead() {
	for len(p.ahead.next) > 0 && p.ahead.next[0] < p.length() {
		hi := p.ahead.pop()
		u := p.ahead.at[hi]
		delete(p.ahead.at, hi)
		p.apply(hi, u)
	}
}

func (a *ahead) push(hi int64) {
	h := append(a.next, hi)
	for i := len(h) - 1; i > 0 && h[(i-1)/2] > h[i]; i = (i - 1) / 2 {
		h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
	}
	a.next = h
}

func (a *ahead) pop() int64 {
	h := a.next
	first, n := h[0], len(h)-1
	h[0] = h[n]
	h = h[:n]
	for i := 0; 2*i+1 < n; {
		least := 2*i + 1
		if least+1 < n && h[least+1] < h[least] {
			least++
		}
		if h[i] <= h[least] {
			break
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
	a.next = h
	return first
}
