package tcp

import (
	"io"
	"sync/atomic"
	"testing"
)

// N4: of a client whose answers are much larger than its requests little is read at once, so what one read leads to is bounded.
func TestLittleIsReadOfWhoIsGivenMuch(t *testing.T) {
	var most atomic.Int64
	s := serve(t, DefaultLimits(), 10, func(k *taken, b []byte) {
		most.Store(max(most.Load(), int64(len(b))))
		k.conn.Send([][]byte{make([]byte, 9*len(b))})
	})
	nc, k := s.dial(t)
	go io.Copy(io.Discard, nc) // until the connection ends
	const sent = 256 << 10
	if _, err := nc.Write(make([]byte, sent)); err != nil {
		t.Fatal(err)
	}
	k.until(t, "all bytes", func(got []byte, _ int) bool { return len(got) == sent })
	if n := most.Load(); n > 2<<10 {
		t.Errorf("%d bytes were read at once", n)
	}
	nc.Close()
}
