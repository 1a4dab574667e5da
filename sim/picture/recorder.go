package picture

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"logd/checker"
	"logd/sim"
)

// Recorder takes the events of one run.
type Recorder struct {
	c        columns
	strings  map[string]int
	parts    map[string]int
	clients  map[int64]int
	bands    map[bandKey]*band
	progress map[bandKey]*progress
	links    map[[2]int32]sim.LinkState
	brokers  map[int32]sim.BrokerState
	replicas map[bandKey]sim.ReplicaState
	running  map[int64]int      // ops under way, by number
	ids      map[int64]int      // ops by their number in the history
	flying   map[[2]int32][]int // messages under way
	working  map[int32][]int    // by broker: disk operations under way
	ends     map[int][]int64    // by client: when each of its rows is free
}

type bandKey struct {
	kind   string
	broker int32
	part   int
}

// NewRecorder returns one that has seen nothing.
func NewRecorder() *Recorder {
	return &Recorder{strings: map[string]int{}, parts: map[string]int{}, clients: map[int64]int{}, bands: map[bandKey]*band{}, progress: map[bandKey]*progress{},
		links: map[[2]int32]sim.LinkState{}, brokers: map[int32]sim.BrokerState{}, replicas: map[bandKey]sim.ReplicaState{},
		running: map[int64]int{}, ids: map[int64]int{}, flying: map[[2]int32][]int{}, working: map[int32][]int{}, ends: map[int][]int64{}}
}

// Items returns how many things the picture shows.
func (r *Recorder) Items() int {
	n := len(r.c.Ops.ID) + len(r.c.Messages.At) + len(r.c.Disk.At) + len(r.c.Notes.At)
	for _, b := range r.c.Bands {
		n += len(b.From)
	}
	for _, p := range r.c.Progress {
		n += len(p.At)
	}
	return n
}

// Verdict is what the run, or the history, was found to be, and by which check.
func (r *Recorder) Verdict() string {
	if len(r.c.Violations) == 0 {
		return r.c.Verdict
	}
	return r.c.Verdict + ": " + r.c.Violations[0].Name
}

// Event takes what sim.Env.Events is told.
func (r *Recorder) Event(at time.Duration, e sim.Event) {
	t := int64(at)
	r.c.End = max(r.c.End, t)
	switch e := e.(type) {
	case sim.PhaseEntered:
		r.band("phase", 0, -1).set(t, r.text(e.Name), r.text(e.Name))
	case sim.BrokerState:
		r.broker(t, e)
	case sim.LinkState:
		r.link(t, e)
	case sim.ReplicaState:
		r.replica(t, e)
	case sim.MessageSent:
		r.sent(t, e)
	case sim.MessageDropped:
		r.dropped(t, e)
	case sim.DiskWork:
		r.disk(t, e)
	case sim.Said:
		r.note(t, e.Broker, "said-"+e.Level, e.Text)
	case sim.Noted:
		r.note(t, target(e), either(e.Command, "fault", "remark"), e.Text)
	case sim.StoryLine:
		r.note(t, 0, either(e.Answer, "answer", "story"), fmt.Sprintf("line %d: %s", e.Line, e.Text))
	case sim.Called:
		r.called(t, e)
	case sim.Returned:
		r.returned(t, e)
	default:
		panic(fmt.Sprintf("picture: an event %T that has no place in a picture (V4)", e))
	}
}

// either is one of two words.
func either(first bool, yes, no string) string {
	if first {
		return yes
	}
	return no
}

// target is the broker that a fault's command is about.
func target(e sim.Noted) int32 {
	if !e.Command {
		return 0
	}
	return sim.CommandTarget(e.Text)
}

func (r *Recorder) text(s string) int {
	i, ok := r.strings[s]
	if !ok {
		i = len(r.c.Strings)
		r.strings[s] = i
		r.c.Strings = append(r.c.Strings, s)
	}
	return i
}

func (r *Recorder) part(name string) int {
	if name == "" {
		return -1
	}
	i, ok := r.parts[name]
	if !ok {
		i = len(r.c.Parts)
		r.parts[name] = i
		r.c.Parts = append(r.c.Parts, name)
	}
	return i
}

func (r *Recorder) band(kind string, broker int32, part int) *band {
	k := bandKey{kind, broker, part}
	b := r.bands[k]
	if b == nil {
		b = &band{Kind: kind, Broker: broker, Part: part}
		r.bands[k] = b
		r.c.Bands = append(r.c.Bands, b)
	}
	return b
}

// none is the class of what isn't drawn.
const none = -1

// set begins an interval, unless it's the one that is open.
func (b *band) set(at int64, class, text int) {
	n := len(b.From)
	if b.open && b.Class[n-1] == class && b.Text[n-1] == text {
		return
	}
	b.end(at)
	if class == none {
		return
	}
	b.From, b.To = append(b.From, at), append(b.To, at)
	b.Class, b.Text = append(b.Class, class), append(b.Text, text)
	b.open = true
}

// end closes the open interval. One that had no length is taken back.
func (b *band) end(at int64) {
	n := len(b.From) - 1
	if !b.open {
		return
	}
	b.open = false
	if b.To[n] = at; b.From[n] == at {
		b.From, b.To, b.Class, b.Text = b.From[:n], b.To[:n], b.Class[:n], b.Text[:n]
	}
}

func (r *Recorder) note(at int64, broker int32, class, text string) {
	n := &r.c.Notes
	n.At, n.Broker = append(n.At, at), append(n.Broker, broker)
	n.Class, n.Text = append(n.Class, r.text(class)), append(n.Text, r.text(text))
}

func (r *Recorder) disk(at int64, e sim.DiskWork) {
	d := &r.c.Disk
	fails := 0
	if e.Fails {
		fails = 1
	}
	under := slices.DeleteFunc(r.working[e.Broker], func(i int) bool { return d.Until[i] <= at })
	r.working[e.Broker] = append(under, len(d.At))
	d.Broker, d.Lane = append(d.Broker, e.Broker), append(d.Lane, r.text(e.Lane))
	d.At, d.Until = append(d.At, at), append(d.Until, int64(e.Until))
	d.Fails, d.Text = append(d.Fails, fails), append(d.Text, r.text(e.Text))
}

// Finish ends what is open. The violation is nil if no check found anything.
func (r *Recorder) Finish(v *sim.Violation) {
	for _, b := range r.c.Bands {
		b.end(r.c.End)
	}
	o := &r.c.Ops
	for _, i := range slices.Sorted(maps.Values(r.running)) {
		o.Ret[i] = r.c.End
	}
	r.c.Verdict = "valid"
	if v != nil {
		r.violated(r.c.End, v.Name, v.Text, v.Ops)
	}
	slices.SortFunc(r.c.Brokers, cmp.Compare)
}

// violated notes what a check found, with what its text names.
func (r *Recorder) violated(at int64, name, text string, ids []int64) {
	v := violation{At: at, Name: name, Text: text, Ops: []int{}, Parts: []int{}, Brokers: []int32{}}
	for _, id := range ids {
		if i, ok := r.ids[id]; ok {
			v.Ops = append(v.Ops, i)
		}
	}
	head, _, _ := strings.Cut(text, "\n")
	for i, part := range r.c.Parts {
		if names(head, part) {
			v.Parts = append(v.Parts, i)
		}
	}
	for _, id := range r.c.Brokers {
		if names(head, fmt.Sprintf("broker %d", id)) {
			v.Brokers = append(v.Brokers, id)
		}
	}
	r.c.Verdict = "INVALID"
	r.c.Violations = append(r.c.Violations, v)
}

// names tells whether a text holds a name, and not as the beginning of a longer one.
func names(text, name string) bool {
	for {
		_, after, ok := strings.Cut(text, name)
		if !ok {
			return false
		}
		if after == "" || !strings.ContainsRune("0123456789@/", rune(after[0])) {
			return true
		}
		text = after
	}
}

// outcomeRunning is that of an operation that hasn't returned.
const outcomeRunning = "running"

// called begins a bar: in the first row of the client's that is free.
func (r *Recorder) called(at int64, e sim.Called) {
	var kind string
	var from, id int64
	values := []string(nil)
	switch {
	case e.Op != nil:
		kind, from, id, values = e.Op.Kind.String(), e.Op.From, e.Op.ID, e.Op.Values
	case e.Trim > 0:
		kind, from = "trim", e.Trim
	case strings.HasPrefix(e.Request, "ListOffsets"):
		kind = "log start"
	default:
		kind, _, _ = strings.Cut(e.Request, " ")
	}
	i := r.op(at, bar{id: id, client: e.Client, session: e.Session, kind: kind, part: e.Part, broker: e.Broker, from: from, request: e.Request, values: values})
	r.running[e.Number] = i
}

func (r *Recorder) returned(at int64, e sim.Returned) {
	i, ok := r.running[e.Number]
	if !ok {
		return
	}
	delete(r.running, e.Number)
	var off int64 = -1
	values := []string(nil)
	if e.Op != nil {
		values = e.Op.Values
		if e.Outcome == checker.OK && e.Op.Kind != checker.Read {
			off = e.Op.Off
		}
	}
	if r.c.Ops.Code[i] = e.Code; e.Part != "" {
		r.c.Ops.Part[i] = r.part(e.Part)
	}
	if r.closed(i, at, e.Outcome.String(), off, values); e.Text != "" {
		r.c.Ops.Values[i] = r.text(e.Text)
	}
}

// bar is an operation that begins.
type bar struct {
	id, client, session int64
	kind, part          string
	broker              int32
	from                int64
	request             string
	values              []string
}

func (r *Recorder) op(at int64, b bar) int {
	client, ok := r.clients[b.client]
	if !ok {
		client = len(r.c.Clients)
		r.clients[b.client] = client
		r.c.Clients = append(r.c.Clients, b.client)
	}
	row := slices.IndexFunc(r.ends[client], func(end int64) bool { return end <= at })
	if row < 0 {
		row = len(r.ends[client])
		r.ends[client] = append(r.ends[client], 0)
	}
	r.ends[client][row] = 1<<62 - 1
	o := &r.c.Ops
	i := len(o.ID)
	o.ID, o.Client, o.Row, o.Session = append(o.ID, b.id), append(o.Client, client), append(o.Row, row), append(o.Session, b.session)
	o.Kind, o.Part, o.Broker = append(o.Kind, r.text(b.kind)), append(o.Part, r.part(b.part)), append(o.Broker, b.broker)
	o.Call, o.Ret, o.Outcome = append(o.Call, at), append(o.Ret, at), append(o.Outcome, r.text(outcomeRunning))
	o.Code, o.From, o.Off = append(o.Code, 0), append(o.From, b.from), append(o.Off, -1)
	o.Count, o.Values, o.Request = append(o.Count, len(b.values)), append(o.Values, r.text(someOf(b.values))), append(o.Request, r.text(b.request))
	if b.id != 0 {
		r.ids[b.id] = i
	}
	return i
}

// closed ends a bar.
func (r *Recorder) closed(i int, at int64, outcome string, off int64, values []string) {
	o := &r.c.Ops
	r.ends[o.Client[i]][o.Row[i]] = at
	o.Ret[i], o.Outcome[i], o.Off[i] = at, r.text(outcome), off
	o.Count[i], o.Values[i] = len(values), r.text(someOf(values))
	r.c.End = max(r.c.End, at)
}

// someValues is how many values of an operation a page holds.
const someValues = 40

func someOf(values []string) string {
	if len(values) > someValues {
		return strings.Join(values[:someValues], " ") + " …"
	}
	return strings.Join(values, " ")
}
