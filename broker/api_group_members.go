package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/group"
)

// askGroup sends a request to its group's coordinator. The answer is the coordinator's, changed by amend if that isn't nil, or what
// refused makes of an error code. It may be given before askGroup returns.
func (s *Shard) askGroup(r *request, id string, body any, refused func(code int16) kmsg.Response, amend func(kmsg.Response)) {
	r.expect(1, func() {
		switch a := r.parts[0].(type) {
		case kmsg.Response:
			if amend != nil {
				amend(a)
			}
			s.respond(r, a)
		case group.Refused:
			s.respond(r, refused(int16(a)))
		default: // no answer by the deadline: what was written may be committed yet
			s.respond(r, refused(group.NotAvailable))
		}
	})
	s.callGroup(r, 0, group.Call{Group: id, Body: body}, false)
}

// joinGroup, and syncGroup, wait for as long as the group's members make them wait: the group has deadlines of its own.
func (s *Shard) joinGroup(r *request, req *kmsg.JoinGroupRequest) {
	s.askGroup(r, req.Group, req, func(code int16) kmsg.Response {
		resp := kmsg.NewPtrJoinGroupResponse()
		resp.ErrorCode, resp.Generation, resp.MemberID = code, -1, req.MemberID
		return resp
	}, nil)
}

func (s *Shard) syncGroup(r *request, req *kmsg.SyncGroupRequest) {
	s.askGroup(r, req.Group, req, func(code int16) kmsg.Response {
		resp := kmsg.NewPtrSyncGroupResponse()
		resp.ErrorCode, resp.MemberAssignment = code, []byte{}
		return resp
	}, nil)
}

// heartbeat says nothing while the coordinator loads: the member goes on, and its session begins when it has loaded
// (GroupCoordinatorService.heartbeat).
func (s *Shard) heartbeat(r *request, req *kmsg.HeartbeatRequest) {
	s.askGroup(r, req.Group, req, func(code int16) kmsg.Response {
		resp := kmsg.NewPtrHeartbeatResponse()
		if code != group.Loading {
			resp.ErrorCode = code
		}
		return resp
	}, nil)
	s.groupDeadline(r)
}

// leaveGroup is of one member up to version 2, and of many from 3 on; the coordinator knows only the latter.
func (s *Shard) leaveGroup(r *request, req *kmsg.LeaveGroupRequest) {
	refused := func(code int16) kmsg.Response {
		resp := kmsg.NewPtrLeaveGroupResponse()
		resp.ErrorCode = code
		return resp
	}
	if req.Version >= 3 {
		s.askGroup(r, req.Group, req, refused, nil)
		s.groupDeadline(r)
		return
	}
	many := *req
	one := kmsg.NewLeaveGroupRequestMember()
	one.MemberID = req.MemberID
	many.Members = []kmsg.LeaveGroupRequestMember{one}
	s.askGroup(r, req.Group, &many, refused, func(resp kmsg.Response) {
		if a := resp.(*kmsg.LeaveGroupResponse); a.ErrorCode == errNone && len(a.Members) == 1 {
			a.ErrorCode = a.Members[0].ErrorCode
		}
	})
	s.groupDeadline(r)
}

// groupDeadline bounds the wait for a coordinator that can't commit.
func (s *Shard) groupDeadline(r *request) {
	if s.requests[r.id] == r {
		s.deadline(r, s.cfg.Limits.GroupWait)
	}
}
