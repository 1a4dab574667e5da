package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// Endpoint types of DescribeCluster, from version 1 on.
const (
	endpointBrokers     = int8(1)
	endpointControllers = int8(2)
)

// describeCluster answers from the metadata as this broker has it. From version 1 on a client may ask for the
// controllers' endpoints, of which there are none; the codes are those of Kafka's AuthHelper.computeDescribeClusterResponse.
// From version 2 on fenced brokers may be asked for; there are none either.
func describeCluster(m *Meta, lead leaders, req *kmsg.DescribeClusterRequest) *kmsg.DescribeClusterResponse {
	resp := kmsg.NewPtrDescribeClusterResponse()
	resp.Version = req.Version
	resp.Brokers = []kmsg.DescribeClusterResponseBroker{}
	if req.EndpointType != endpointBrokers && req.Version > 0 {
		no := refuse(errBadEndpoint, "Unsupported endpoint type %d", req.EndpointType)
		if req.EndpointType == endpointControllers {
			no = refuse(errMismatchedPoint, "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER")
		}
		resp.ErrorCode, resp.ErrorMessage = no.code, messageOf(no.code, no.message)
		return resp
	}
	for _, b := range m.Brokers {
		if b.Host != "" {
			row := kmsg.NewDescribeClusterResponseBroker()
			row.NodeID, row.Host, row.Port, row.Rack = b.ID, b.Host, b.Port, rackOf(b)
			resp.Brokers = append(resp.Brokers, row)
		}
	}
	if m.Formed() {
		resp.ClusterID = m.ClusterID.String()
	}
	resp.ControllerID, _, _ = reachable(m, lead, metaGroup)
	return resp
}
