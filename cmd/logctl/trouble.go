package main

import (
	"fmt"
	"net"
	"sort"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// trouble remembers, per broker, the last connection that failed; a later success forgets it. kgo retries behind the
// caller's back, so this is the only place that knows which broker a timeout was about.
type trouble struct {
	mu   sync.Mutex
	down map[string]complaint
	// changed, if set, is told of every failure as it happens.
	changed func(line string)
}

type complaint struct {
	id   int32
	addr string
	why  string
}

func newTrouble() *trouble { return &trouble{down: make(map[string]complaint)} }

func (c complaint) String() string {
	if c.id < 0 {
		return fmt.Sprintf("%s: %s", c.addr, c.why)
	}
	return fmt.Sprintf("broker %d at %s: %s", c.id, c.addr, c.why)
}

// OnBrokerConnect implements kgo.HookBrokerConnect.
func (t *trouble) OnBrokerConnect(meta kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	addr := net.JoinHostPort(meta.Host, strconv.Itoa(int(meta.Port)))
	id := meta.NodeID
	if id < -1 || id > 1<<30 {
		id = -1 // kgo numbers its seeds outside of the range of broker ids
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		delete(t.down, addr)
		return
	}
	c := complaint{id: id, addr: addr, why: reason(err)}
	if old, ok := t.down[addr]; ok && id < 0 {
		c.id = old.id
	}
	t.down[addr] = c
	if t.changed != nil {
		t.changed(c.String())
	}
}

// tell has fn called, never concurrently, with each failure from now on.
func (t *trouble) tell(fn func(line string)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changed = fn
}

// lines says what is wrong with whom, sorted.
func (t *trouble) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]string, 0, len(t.down))
	for _, c := range t.down {
		out = append(out, c.String())
	}
	sort.Strings(out)
	return out
}
