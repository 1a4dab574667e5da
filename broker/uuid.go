package broker

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
)

// UUID names a topic or a cluster. Its text is Kafka's (common/Uuid.java): URL-safe base64 without padding, 22 characters.
type UUID [16]byte

// drawUUID draws a random version 4 UUID; as Kafka's, its text never begins with a dash, which tools would take for a flag.
func drawUUID(rng *rand.Rand) UUID {
	for {
		var u UUID
		binary.BigEndian.PutUint64(u[:8], rng.Uint64())
		binary.BigEndian.PutUint64(u[8:], rng.Uint64())
		u[6] = u[6]&0x0f | 0x40
		u[8] = u[8]&0x3f | 0x80
		if u.String()[0] != '-' {
			return u
		}
	}
}

func (u UUID) String() string { return base64.RawURLEncoding.EncodeToString(u[:]) }

// IsZero tells whether u names nothing.
func (u UUID) IsZero() bool { return u == UUID{} }

// MarshalText never fails.
func (u UUID) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads what MarshalText wrote, and nothing else.
func (u *UUID) UnmarshalText(text []byte) error {
	var b UUID
	if len(text) != base64.RawURLEncoding.EncodedLen(len(b)) {
		return fmt.Errorf("uuid %q has %d characters, expected 22", text, len(text))
	}
	if _, err := base64.RawURLEncoding.Strict().Decode(b[:], text); err != nil {
		return fmt.Errorf("uuid %q: %w", text, err)
	}
	*u = b
	return nil
}
