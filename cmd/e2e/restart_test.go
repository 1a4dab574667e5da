package e2e

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/transport"
)

// A broker that was killed and is started again answers nobody before it knows the topics again that it told clients of (B15).
func TestRestartKnowsItsTopics(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	var names []string
	for k := range 6 {
		names = append(names, fmt.Sprintf("topic-%d", k))
		c.createTopic(t, names[k], 2)
	}
	n := c.nodes[1]
	for round := range 3 {
		n.kill(t)
		n.start(t)
		got := firstTopics(t, n)
		if !slices.Equal(got, names) {
			t.Fatalf("round %d: the first answer after the start names %v, expected %v", round, got, names)
		}
	}
	c.startAndServe(t, n)
}

// firstTopics asks a broker for its topics from the moment on at which it accepts connections.
func firstTopics(t *testing.T, n *node) []string {
	t.Helper()
	req := kmsg.NewPtrMetadataRequest()
	req.Version = 7
	var last error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		resp, err := askOnce(n.addr, req)
		if err != nil {
			last = err // it isn't up yet
			continue
		}
		var names []string
		for _, topic := range resp.(*kmsg.MetadataResponse).Topics {
			names = append(names, *topic.Topic)
		}
		slices.Sort(names)
		return names
	}
	t.Fatalf("broker %d answers nobody within %v: %v", n.id, patience, last)
	return nil
}

// askOnce sends one request on a connection of its own.
func askOnce(addr string, req kmsg.Request) (kmsg.Response, error) {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	defer conn.Close() // nothing is on its way
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(transport.AppendRequest("first", 1, req)); err != nil {
		return nil, err
	}
	head := make([]byte, 4)
	if _, err := io.ReadFull(conn, head); err != nil {
		return nil, err
	}
	frame := make([]byte, binary.BigEndian.Uint32(head))
	if _, err := io.ReadFull(conn, frame); err != nil {
		return nil, err
	}
	_, resp, err := transport.ParseResponse(frame, req.Key(), req.GetVersion())
	return resp, err
}
