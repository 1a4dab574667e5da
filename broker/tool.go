package broker

import (
	"slices"

	"logd/log"
	"logd/transport"
)

// ToolID is the broker id that logctl's envelopes come from. They carry one [ToolRequest] as JSON, of kind [KindTool], and are answered on
// the same connection with one [ToolReport]; To is not looked at, and the shard is the header's, modulo the number of shards.
const (
	ToolID   int32 = -1
	KindTool uint8 = 7
)

// ToolRequest asks one shard of a broker for its scrub: to begin one now, or only how far it is.
type ToolRequest struct {
	Scrub    bool `json:"scrub,omitempty"`    // begin a pass now, unless one runs
	Replicas bool `json:"replicas,omitempty"` // tell of all replicas
}

// ToolReport says how a shard's scrub stands, and what is damaged.
type ToolReport struct {
	Broker  int32        `json:"broker"`
	Shard   int          `json:"shard"`
	Shards  int          `json:"shards"`
	Running bool         `json:"running"`
	Pass    int          `json:"pass"` // completed since the broker started
	Done    int64        `json:"done"` // bytes verified in this pass, or in the last
	Bytes   int64        `json:"bytes"`
	Found   int          `json:"found"`   // stretches found damaged in this pass, or in the last
	Mended  int          `json:"mended"`  // replicas that are whole again since the start
	Differ  int          `json:"differ"`  // comparisons of running hashes with peers that failed since the start
	Damaged []ToolDamage `json:"damaged"` // replicas that have lost bytes at this moment

	Replicas []ToolReplica `json:"replicas,omitempty"` // if they were asked for
}

// ToolReplica is how far a replica is. The indexes are of its raft log, which is the same on all brokers.
type ToolReplica struct {
	Partition     string `json:"partition"`
	Group         uint64 `json:"group"`
	Replica       uint64 `json:"replica"`
	Leader        bool   `json:"leader"`
	Voter         bool   `json:"voter"` // as this replica knows the configuration
	Term          uint64 `json:"term"`
	Commit        uint64 `json:"commit"`
	Applied       uint64 `json:"applied"`
	Durable       uint64 `json:"durable"`
	LogStart      int64  `json:"start"`
	HighWatermark int64  `json:"hw"`
}

// ToolDamage is a replica that has lost bytes.
type ToolDamage struct {
	Partition string      `json:"partition"`
	Group     uint64      `json:"group"`
	Entries   int         `json:"entries"` // of the WAL
	Ranges    []log.Range `json:"ranges"`  // of offsets
	Asked     int         `json:"asked"`   // questions in a row that brought nothing
}

// PeerReply is an envelope that answers one that came on a peer's connection.
type PeerReply struct {
	Conn ConnID
	Bufs [][]byte
}

// tool answers logctl.
func (s *Shard) tool(conn ConnID, msgs []transport.Received) {
	for _, m := range msgs {
		var r ToolRequest
		if err := decodeStrict(m.Body, &r); m.Kind != KindTool || err != nil {
			s.refuse(conn, "a request that is none of logctl's")
			return
		}
		if r.Scrub {
			s.scrubNow()
		}
		h := transport.Header{Cluster: s.cluster(), From: s.cfg.Broker, Incarnation: s.cfg.Incarnation, Shard: uint16(s.cfg.Shard), Boot: s.cfg.Boot,
			Generation: s.cfg.Generation, To: ToolID}
		report := s.report()
		if r.Replicas {
			s.Inspect(func(v *GroupView) {
				report.Replicas = append(report.Replicas, ToolReplica{Partition: s.nameOf(v.Group), Group: v.Group, Replica: v.Replica, Leader: v.Leading,
					Voter: slices.Contains(v.Voters, v.Replica), Term: v.Term, Commit: v.Commit, Applied: v.Applied, Durable: v.Durable,
					LogStart: v.LogStart, HighWatermark: v.HighWatermark})
			})
		}
		body := [][]byte{mustEncode(report)}
		s.out.Replies = append(s.out.Replies, PeerReply{conn, transport.AppendEnvelope(nil, h, []transport.Msg{{Kind: KindTool, Bufs: body}})})
	}
}

func (s *Shard) report() ToolReport {
	sc := &s.scrub
	r := ToolReport{Broker: s.cfg.Broker, Shard: s.cfg.Shard, Shards: s.cfg.Shards, Running: sc.running, Pass: sc.pass, Done: sc.done,
		Bytes: s.store.Sizes().Segments, Found: sc.found, Mended: s.repairs, Differ: sc.differ, Damaged: []ToolDamage{}}
	for _, id := range s.order { // what a pass has found counts at once, although repair looks for it at the next tick only
		p, holes, ranges := s.parts[id], s.store.Holes(id), s.store.SegmentHoles(id)
		if p.damaged || len(holes)+len(ranges) > 0 {
			r.Damaged = append(r.Damaged, ToolDamage{Partition: s.nameOf(id), Group: id, Entries: len(holes), Ranges: ranges, Asked: p.repair.silent})
		}
	}
	return r
}
