package transport

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// AppendResponse encodes a response with its frame's length. resp's version must be that of the request.
func AppendResponse(corr int32, resp kmsg.Response) [][]byte {
	frame := resp.AppendTo(appendResponseHead(make([]byte, 0, 128), corr, resp))
	setLength(frame, len(frame)-lenBytes)
	return [][]byte{frame}
}

// appendResponseHead leaves the length open. The header of ApiVersions has version 0 always: who asks can't know yet what
// the broker speaks (KIP-511).
func appendResponseHead(dst []byte, corr int32, resp kmsg.Response) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, 0, 0, 0, 0), uint32(corr))
	if flexibleHead(resp) {
		dst = append(dst, 0)
	}
	return dst
}

func flexibleHead(resp kmsg.Response) bool { return resp.IsFlexible() && resp.Key() != apiVersionsN }

func setLength(frame []byte, length int) {
	if length > math.MaxInt32 {
		panic(fmt.Sprintf("transport: a response of %d bytes, its length field holds %d", length, math.MaxInt32))
	}
	binary.BigEndian.PutUint32(frame, uint32(length))
}

// ParseResponse decodes a frame that answers a request of this key and version; the RecordBatches of a Fetch alias the frame.
// The error wraps [ErrMalformed].
func ParseResponse(frame []byte, key, version int16) (corr int32, resp kmsg.Response, err error) {
	if len(frame) < 4 {
		return 0, nil, fmt.Errorf("%w response: a frame of %d bytes, the header alone has 4", ErrMalformed, len(frame))
	}
	shape, ok := responseShapes[key]
	if !ok {
		panic(fmt.Sprintf("invariant T2: the response to API key %d has no shape", key))
	}
	corr = int32(binary.BigEndian.Uint32(frame))
	resp = kmsg.ResponseForKey(key)
	resp.SetVersion(version)
	src := frame[4:]
	if flexibleHead(resp) {
		w := walker{src: src, flexible: true}
		if err := w.tags(nil); err != nil {
			return corr, nil, fmt.Errorf("response to %s version %d: header: %w", kmsg.NameForKey(key), version, err)
		}
		src = src[w.pos:]
	}
	if key == apiVersionsN && version > 0 && unsupported(src) {
		resp.SetVersion(0)
		version = 0
	}
	if _, _, err := shape.walk(src, version); err != nil {
		return corr, nil, fmt.Errorf("response to %s version %d: %w", kmsg.NameForKey(key), version, err)
	}
	if err := resp.ReadFrom(src); err != nil {
		return corr, nil, fmt.Errorf("response to %s version %d: %w: %w", kmsg.NameForKey(key), version, ErrMalformed, err)
	}
	return corr, resp, nil
}

// unsupported says whether an ApiVersions response is one in version 0 to a request of a higher one (KIP-511).
func unsupported(src []byte) bool {
	const unsupportedVersion = 35
	return len(src) >= 2 && binary.BigEndian.Uint16(src) == unsupportedVersion
}
