package sim

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/checker"
)

// nobody is a client that does nothing by itself.
type nobody struct{}

func (nobody) act(*client)         {}
func (nobody) done(*client, *call) {}

// TestLateAppendsAreOffered: what a zombie sent may fill a broker's queue once it arrives, however long ago it was sent.
func TestLateAppendsAreOffered(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	req := kmsg.NewPtrProduceRequest()
	part := kmsg.NewProduceRequestTopicPartition()
	part.Records = make([]byte, 777)
	topic := kmsg.NewProduceRequestTopic()
	topic.Partitions = append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	k := &call{part: 0}
	k.op.Kind = checker.Append
	c := &client{w: w, number: 2, name: "late", role: nobody{}}
	c.sendLate(0, k, req, 2*offeredFor)
	if n := len(w.nodes[0].offered); n > 0 {
		t.Errorf("%d requests count as sent to the broker before they arrive", n)
	}
	for w.zombies > 0 {
		w.step()
	}
	if o := w.nodes[0].offered; len(o) != 1 || o[0].bytes != 777 || o[0].answered != 0 || o[0].at < 2*offeredFor-time.Second {
		t.Errorf("what arrives late isn't among what was sent to the broker: %+v", o)
	}
}
