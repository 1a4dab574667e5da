package transport

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// ErrUnserved is wrapped by errors about an API or a version of it that is not served. No reply could be understood, so the
// connection is closed, as Kafka does.
var ErrUnserved = errors.New("not served")

// Request is one request of a client.
type Request struct {
	Key, Version int16
	Corr         int32  // correlation id: the response carries it back
	ClientID     string // empty if null
	// Body is the decoded request; the Records of a Produce alias the frame, everything else is a copy.
	Body kmsg.Request
	// Unsupported says that this is an ApiVersions of a version that is not served: the answer is a response of version 0
	// with UNSUPPORTED_VERSION and the range of ApiVersions (KIP-511). Body is an empty request of version 0.
	Unsupported bool
}

const (
	requestHead  = 8  // key, version, correlation id
	shownText    = 64 // bytes of a client's own text in an error
	apiVersionsN = int16(kmsg.ApiVersions)
)

// ParseRequest decodes a frame: the header (versions 1 and 2) and the body. served says which versions of an API are served.
// Errors wrap [ErrUnserved] or [ErrMalformed]; for both the connection is to be closed.
func ParseRequest(frame []byte, served func(key int16) (min, max int16, ok bool)) (Request, error) {
	if len(frame) < requestHead {
		return Request{}, fmt.Errorf("%w request: a frame of %d bytes, the header alone has %d", ErrMalformed, len(frame), requestHead)
	}
	r := Request{
		Key:     int16(binary.BigEndian.Uint16(frame)),
		Version: int16(binary.BigEndian.Uint16(frame[2:])),
		Corr:    int32(binary.BigEndian.Uint32(frame[4:])),
	}
	lowest, highest, ok := served(r.Key)
	in := ok && r.Version >= lowest && r.Version <= highest
	if r.Key == apiVersionsN && !in {
		r.Unsupported, r.Body = true, &kmsg.ApiVersionsRequest{}
		return r, nil
	}
	clientID, body, err := parseClientID(frame[requestHead:])
	r.ClientID = clientID
	switch {
	case !ok:
		return r, fmt.Errorf("%w: API key %d version %d, asked for by client id %q", ErrUnserved, r.Key, r.Version, shorten(clientID))
	case !in:
		return r, fmt.Errorf("%w: %s version %d, asked for by client id %q; versions %d to %d are",
			ErrUnserved, kmsg.NameForKey(r.Key), r.Version, shorten(clientID), lowest, highest)
	case err != nil:
		return r, fmt.Errorf("%s version %d: %w", kmsg.NameForKey(r.Key), r.Version, err)
	}
	if r.Body, err = parseBody(r.Key, r.Version, body); err != nil {
		return r, fmt.Errorf("%s version %d of client id %q: %w", kmsg.NameForKey(r.Key), r.Version, shorten(clientID), err)
	}
	return r, nil
}

func parseBody(key, version int16, src []byte) (kmsg.Request, error) {
	shape, ok := requestShapes[key]
	if !ok {
		panic(fmt.Sprintf("invariant T2: API key %d is served and has no shape", key))
	}
	body := kmsg.RequestForKey(key)
	body.SetVersion(version)
	if body.IsFlexible() {
		w := walker{src: src, flexible: true}
		if err := w.tags(nil); err != nil {
			return nil, fmt.Errorf("header: %w", err)
		}
		src = src[w.pos:]
	}
	if _, _, err := shape.walk(src, version); err != nil {
		return nil, err
	}
	if err := body.ReadFrom(src); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return body, nil
}

// parseClientID reads the nullable string that follows the fixed part of a request's header.
func parseClientID(src []byte) (id string, rest []byte, err error) {
	if len(src) < 2 {
		return "", nil, fmt.Errorf("%w: no client id in %d bytes", ErrMalformed, len(src))
	}
	n := int(int16(binary.BigEndian.Uint16(src)))
	src = src[2:]
	if n < -1 || n > len(src) {
		return "", nil, fmt.Errorf("%w: a client id of %d bytes, and %d are left", ErrMalformed, n, len(src))
	}
	n = max(0, n)
	return string(src[:n]), src[n:], nil
}

func shorten(text string) string { return text[:min(len(text), shownText)] }

// AppendRequest encodes a request with its frame's length, as a client does.
func AppendRequest(clientID string, corr int32, req kmsg.Request) []byte {
	b := make([]byte, lenBytes, 128)
	b = binary.BigEndian.AppendUint16(b, uint16(req.Key()))
	b = binary.BigEndian.AppendUint16(b, uint16(req.GetVersion()))
	b = binary.BigEndian.AppendUint32(b, uint32(corr))
	b = binary.BigEndian.AppendUint16(b, uint16(len(clientID)))
	b = append(b, clientID...)
	if req.IsFlexible() {
		b = append(b, 0) // no tags
	}
	b = req.AppendTo(b)
	setLength(b, len(b)-lenBytes)
	return b
}
