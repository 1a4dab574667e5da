package sim

import (
	"bytes"
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/transport"
)

// decoded keeps the last Metadata response of each version. Half of all requests ask for metadata, since a client that knows no leader
// repeats that, and brokers mostly answer the same bytes. What they say is judged each time.
type decoded [metadataVersions]struct {
	body []byte // behind the correlation id
	resp kmsg.Response
}

const metadataVersions = 14

// response is [transport.ParseResponse]; nobody changes what it returns.
func (d *decoded) response(frame []byte, key, version int16) (corr int32, resp kmsg.Response, err error) {
	if key != int16(kmsg.Metadata) || version >= metadataVersions || len(frame) < 4 {
		return transport.ParseResponse(frame, key, version)
	}
	last := &d[version]
	if last.resp != nil && bytes.Equal(frame[4:], last.body) {
		return int32(binary.BigEndian.Uint32(frame)), last.resp, nil
	}
	if corr, resp, err = transport.ParseResponse(frame, key, version); err == nil {
		last.body, last.resp = frame[4:], resp
	}
	return corr, resp, err
}
