package sim

import (
	"strings"
	"testing"
	"time"
)

// A broker that is lost as soon as there is a cluster is no reason why nobody is given a producer id (G9): it said with its first words
// which commands it understands.
func TestBrokerLostInTheFirstSecond(t *testing.T) {
	for seed := range uint64(20) {
		formed := false
		w := newWorld(Default(seed, 10*time.Second), Env{Events: func(_ time.Duration, e Event) {
			if said, ok := e.(Said); ok && strings.HasPrefix(said.Text, "formed a cluster") {
				formed = true
			}
		}})
		before := setEntropy(nil)
		defer setEntropy(before)
		w.start()
		for !formed && w.violation == nil {
			w.step()
		}
		w.nodes[2].kill(seed%2 == 0)
		lost, gives := w.now, false
		for !gives && w.violation == nil && w.nodes[0].proc != nil && w.now < lost+10*time.Second {
			w.step()
			if p := w.nodes[0].proc; p != nil {
				gives = p.hosts[0].shard.(levels).GivesProducerIDs()
			}
		}
		if !gives || w.violation != nil {
			t.Errorf("seed %d: broker 3 was lost at %v, and at %v broker 1 gives no producer ids: %v", seed, lost, w.now, w.violation)
		}
	}
}
