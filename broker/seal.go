package broker

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// sealLen is the length of the checksum in front of a sealed body.
const sealLen = 4

// seal puts a checksum, CRC-32C, in front of a small message's body: an envelope's covers its heads alone, and what raft messages and
// ranges say is covered by theirs. TCP's own lets one flipped bit of some thousands through, and a flipped bit of a position has a sound
// directory given up (S7).
func seal(body []byte) [][]byte {
	return [][]byte{binary.BigEndian.AppendUint32(nil, crc32.Checksum(body, castagnoli)), body}
}

// unseal returns a sealed body if its checksum bears it out.
func unseal(b []byte) ([]byte, error) {
	if len(b) < sealLen {
		return nil, fmt.Errorf("a message of %d bytes has no checksum", len(b))
	}
	if got, want := crc32.Checksum(b[sealLen:], castagnoli), binary.BigEndian.Uint32(b); got != want {
		return nil, fmt.Errorf("a message of %d bytes has checksum %08x, %08x was sent", len(b)-sealLen, got, want)
	}
	return b[sealLen:], nil
}

// Unsealed is what a message of some kind says, without its checksum, for those who watch brokers talk.
func Unsealed(kind uint8, body []byte) []byte {
	if kind == kindControl || kind == kindPosition {
		return body[min(sealLen, len(body)):]
	}
	return body
}
