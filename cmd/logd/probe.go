package main

import (
	"context"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/transport"
)

const (
	probeEvery = 50 * time.Millisecond
	probeWait  = 2 * time.Second
	probeFrame = 1 << 20 // an answer longer than this is none
)

// waitReady asks every broker for metadata until each of them lists all, at these addresses, and knows the one that leads
// group 1; that one is returned. What is asked and answered is what a client asks first.
func waitReady(ctx context.Context, addrs []string) (leader int32, ok bool) {
	for ctx.Err() == nil {
		ready := 0
		for _, addr := range addrs {
			m, err := askMetadata(ctx, addr)
			if err != nil || !lists(m, addrs) {
				break
			}
			leader = m.ControllerID
			ready++
		}
		if ready == len(addrs) {
			return leader, true
		}
		select {
		case <-ctx.Done():
		case <-time.After(probeEvery):
		}
	}
	return 0, false
}

// lists says whether a broker knows all addresses and a leader of the metadata.
func lists(m *kmsg.MetadataResponse, addrs []string) bool {
	if len(m.Brokers) != len(addrs) {
		return false
	}
	leads := false
	for _, b := range m.Brokers {
		i := int(b.NodeID) - 1
		if i < 0 || i >= len(addrs) || loopback(int(b.Port)) != addrs[i] {
			return false
		}
		leads = leads || b.NodeID == m.ControllerID
	}
	return leads
}

// askMetadata asks one broker about brokers, and about no topic.
func askMetadata(ctx context.Context, addr string) (*kmsg.MetadataResponse, error) {
	dialer := net.Dialer{Timeout: probeWait}
	nc, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer nc.Close() // one question per connection
	nc.SetDeadline(time.Now().Add(probeWait))
	req := kmsg.NewPtrMetadataRequest()
	req.Version = 1
	req.Topics = []kmsg.MetadataRequestTopic{}
	if _, err := nc.Write(transport.AppendRequest("logd-dev", 1, req)); err != nil {
		return nil, err
	}
	frames := transport.NewFrames(probeFrame)
	buf := make([]byte, 4096)
	for {
		n, err := nc.Read(buf)
		frames.Feed(buf[:n])
		if frame, ok, ferr := frames.Next(); ok {
			_, resp, err := transport.ParseResponse(frame, req.Key(), req.Version)
			if err != nil {
				return nil, err
			}
			return resp.(*kmsg.MetadataResponse), nil
		} else if ferr != nil {
			return nil, ferr
		}
		if err != nil {
			return nil, err
		}
	}
}
