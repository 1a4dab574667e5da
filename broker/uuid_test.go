package broker

import (
	"math/rand/v2"
	"testing"
)

func TestUUIDText(t *testing.T) {
	u := UUID{0xfb, 0xff, 0xfe, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	if got, want := u.String(), "-__-AwQFBgcICQoLDA0ODw"; got != want {
		t.Errorf("text is %s, expected %s", got, want)
	}
	var back UUID
	if err := back.UnmarshalText([]byte(u.String())); err != nil || back != u {
		t.Errorf("read back %v, %v", back, err)
	}
	for _, bad := range []string{"", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAA!", "AAAAAAAAAAAAAAAAAAAAAB", "+//+AwQFBgcICQoLDA0ODw"} {
		if err := back.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was read as %v", bad, back)
		}
	}
}

func TestDrawnUUIDs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		u := drawUUID(rng)
		if u[6]>>4 != 4 || u[8]>>6 != 2 || u.String()[0] == '-' {
			t.Fatalf("drew %x, %s: not a random UUID of version 4, or one that begins with a dash", [16]byte(u), u)
		}
	}
}
