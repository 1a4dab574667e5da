package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// Key types of FindCoordinator.
const (
	coordinatorGroup = int8(0)
	coordinatorTxn   = int8(1)
	coordinatorShare = int8(2)
)

// findCoordinator refuses: there are no coordinators yet. The API is served all the same, since old librdkafka takes
// its absence for a broker without lz4. INVALID_REQUEST ends a client's attempt; COORDINATOR_NOT_AVAILABLE (15) would make
// it wait for ever. Up to version 3 one key is asked for, from 4 on many.
func findCoordinator(req *kmsg.FindCoordinatorRequest) *kmsg.FindCoordinatorResponse {
	resp := kmsg.NewPtrFindCoordinatorResponse()
	resp.Version = req.Version
	why := coordinatorRefusal(req.CoordinatorType)
	if req.Version < 4 {
		resp.ErrorCode, resp.ErrorMessage = errBadRequest, &why
		resp.NodeID, resp.Port = noBroker, -1
		return resp
	}
	resp.Coordinators = make([]kmsg.FindCoordinatorResponseCoordinator, len(req.CoordinatorKeys))
	for i, key := range req.CoordinatorKeys {
		row := kmsg.NewFindCoordinatorResponseCoordinator()
		row.Key, row.NodeID, row.Port = key, noBroker, -1
		row.ErrorCode, row.ErrorMessage = errBadRequest, &why
		resp.Coordinators[i] = row
	}
	return resp
}

func coordinatorRefusal(kind int8) string {
	switch kind {
	case coordinatorGroup:
		return "consumer groups are not served yet"
	case coordinatorTxn:
		return "transactions are not served yet"
	case coordinatorShare:
		return "share groups are not served yet"
	}
	return "unknown kind of coordinator"
}
