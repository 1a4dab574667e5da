package broker

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/deadline"
	"logd/transport"
)

// request is one client's request that waits for the answers of its calls, or for a deadline.
type request struct {
	id     uint64
	conn   *conn
	slot   *slot
	in     transport.Request
	left   int   // calls not answered yet
	parts  []any // their answers, nil until they come
	timer  *deadline.Timer
	finish func() // all answers are there, or the deadline passed: builds the response
	woken  func() // something that a waiting fetch looked at has moved
}

// start begins one request.
func (s *Shard) start(c *conn, sl *slot, in transport.Request) {
	r := &request{id: s.next(), conn: c, slot: sl, in: in}
	if in.Unsupported {
		s.respond(r, answerAPIVersions(in))
		return
	}
	s.requests[r.id] = r
	switch body := in.Body.(type) {
	case *kmsg.ApiVersionsRequest:
		s.respond(r, answerAPIVersions(in))
	case *kmsg.MetadataRequest:
		s.metadata(r, body)
	case *kmsg.ProduceRequest:
		s.produce(r, body)
	case *kmsg.FetchRequest:
		s.fetch(r, body)
	case *kmsg.ListOffsetsRequest:
		s.listOffsets(r, body)
	case *kmsg.OffsetForLeaderEpochRequest:
		s.offsetForLeaderEpoch(r, body)
	case *kmsg.CreateTopicsRequest:
		s.createTopics(r, body)
	case *kmsg.DeleteTopicsRequest:
		s.deleteTopics(r, body)
	case *kmsg.IncrementalAlterConfigsRequest:
		s.alterConfigs(r, body)
	case *kmsg.AlterConfigsRequest:
		s.alterConfigsWhole(r, body)
	case *kmsg.DescribeConfigsRequest:
		s.respond(r, describeConfigs(body, s.meta, s.cfg))
	case *kmsg.ListConfigResourcesRequest:
		s.respond(r, listConfigResources(body, s.meta))
	case *kmsg.DeleteRecordsRequest:
		s.deleteRecords(r, body)
	case *kmsg.InitProducerIDRequest:
		s.initProducerID(r, body)
	case *kmsg.DescribeProducersRequest:
		s.describeProducers(r, body)
	case *kmsg.DescribeTopicPartitionsRequest:
		s.respond(r, describeTopicPartitions(s.meta, s.view.leaderOf, body))
	case *kmsg.DescribeLogDirsRequest:
		s.describeLogDirs(r, body)
	case *kmsg.DescribeClusterRequest:
		s.respond(r, describeCluster(s.meta, s.view.leaderOf, body))
	case *kmsg.FindCoordinatorRequest:
		s.findCoordinator(r, body)
	default:
		if !s.startGroups(r, in.Body) {
			panic(fmt.Sprintf("broker: API %d is in the table of what is served, but has no handler", in.Key))
		}
	}
}

// startGroups begins a request of consumer groups, and reports whether it is one.
func (s *Shard) startGroups(r *request, body kmsg.Request) bool {
	switch body := body.(type) {
	case *kmsg.OffsetCommitRequest:
		s.offsetCommit(r, body)
	case *kmsg.OffsetFetchRequest:
		s.offsetFetch(r, body)
	case *kmsg.JoinGroupRequest:
		s.joinGroup(r, body)
	case *kmsg.ConsumerGroupHeartbeatRequest:
		s.consumerGroupHeartbeat(r, body)
	case *kmsg.ConsumerGroupDescribeRequest:
		s.consumerGroupDescribe(r, body)
	case *kmsg.HeartbeatRequest:
		s.heartbeat(r, body)
	case *kmsg.LeaveGroupRequest:
		s.leaveGroup(r, body)
	case *kmsg.SyncGroupRequest:
		s.syncGroup(r, body)
	case *kmsg.DescribeGroupsRequest:
		s.describeGroups(r, body)
	case *kmsg.ListGroupsRequest:
		s.listGroups(r, body)
	case *kmsg.DeleteGroupsRequest:
		s.deleteGroups(r, body)
	case *kmsg.OffsetDeleteRequest:
		s.offsetDelete(r, body)
	default:
		return false
	}
	return true
}

// call sends one of a request's calls; number part is where its answer goes.
func (s *Shard) call(r *request, part int, group uint64, c call) {
	s.send(group, origin{shard: s.cfg.Shard, id: r.id, part: part}, c)
}

// expect prepares a request for so many answers.
func (r *request) expect(n int, finish func()) {
	r.left, r.parts, r.finish = n, make([]any, n), finish
}

// await prepares a request, all of whose answers are there, for other ones in the place of some.
func (r *request) await(parts []int) {
	r.left = len(parts)
	for _, k := range parts {
		r.parts[k] = nil
	}
}

// answered takes an answer. One that comes after the deadline finds no request any more.
func (s *Shard) answered(o origin, a any) {
	r := s.requests[o.id]
	if r == nil {
		if written := s.writes[o.id]; written != nil {
			delete(s.writes, o.id)
			written(a.(appended))
		}
		return
	}
	if o.part >= len(r.parts) || r.parts[o.part] != nil {
		panic(fmt.Sprintf("invariant B7: request %d: call %d is answered twice", o.id, o.part))
	}
	r.parts[o.part] = a
	if r.left--; r.left == 0 {
		r.finish()
	}
}

// deadline runs a request's finish with the answers that are there by then.
func (s *Shard) deadline(r *request, after time.Duration) {
	s.timers.Cancel(r.timer)
	r.timer = s.timers.Set(s.now.Mono+max(after, 0), func() {
		if s.requests[r.id] == r && r.finish != nil {
			r.finish()
		}
	})
}

// respond ends a request with its response; nil is none.
func (s *Shard) respond(r *request, resp kmsg.Response) {
	if resp == nil {
		s.respondBufs(r, nil)
		return
	}
	resp.SetVersion(versionOf(r.in))
	s.respondBufs(r, transport.AppendResponse(r.in.Corr, resp))
}

func (s *Shard) respondBufs(r *request, bufs [][]byte) {
	delete(s.requests, r.id)
	s.timers.Cancel(r.timer)
	s.fill(r.conn, r.slot, bufs)
}

// versionOf is the version a response is encoded in: an unknown ApiVersions gets version 0 (KIP-511).
func versionOf(in transport.Request) int16 {
	if in.Unsupported {
		return 0
	}
	return in.Version
}
