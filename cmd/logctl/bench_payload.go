package main

import "math/rand/v2"

// payloads hands out record values of random, incompressible bytes. They are cut from one buffer that is filled before
// any clock runs (C7); kgo only reads them, so clients share the buffer.
type payloads struct {
	buf  []byte
	size int
	at   int
}

const payloadPool = 8 << 20

// newPayloads fills a buffer of 8 MiB plus one record.
func newPayloads(size int, seed uint64) *payloads {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	p := &payloads{buf: make([]byte, payloadPool+size), size: size}
	rand.NewChaCha8(key).Read(p.buf)
	return p
}

// fork shares the bytes and starts elsewhere among them.
func (p *payloads) fork(i int) *payloads {
	return &payloads{buf: p.buf, size: p.size, at: (i * 1_000_003) % payloadPool}
}

// next is the following value; each pass over the buffer starts at another byte, so cuts differ from pass to pass.
func (p *payloads) next() []byte {
	v := p.buf[p.at : p.at+p.size : p.at+p.size]
	if p.at += p.size; p.at > payloadPool {
		p.at = (p.at + 7919) % payloadPool
	}
	return v
}
