package group

import (
	"math"
	"math/rand/v2"
	"time"
)

// DefaultConfig is a real broker's: Kafka's defaults where Kafka has the setting.
func DefaultConfig() Config {
	return Config{
		InitialDelay: 3 * time.Second, MinSession: 6 * time.Second, MaxSession: 30 * time.Minute, NewMemberWait: 5 * time.Minute,
		Retention: 7 * 24 * time.Hour, CheckEvery: 10 * time.Minute,
		MaxSize: math.MaxInt32, Members: 100_000, MemberBytes: 1 << 20, MetadataBytes: 4096, StateBytes: 1 << 30, Waiting: 10_000,
		WriteBytes: 8 << 20, DeadBytes: 16 << 20,
		ConsumerSession: 45 * time.Second, ConsumerHeartbeat: 5 * time.Second, ConsumerMaxSize: 5000, Upgrade: true, Downgrade: true,
	}
}

// DrawConfig draws small bounds for a simulation, so that each is met.
func DrawConfig(rng *rand.Rand) Config {
	c := DefaultConfig()
	c.InitialDelay = time.Duration(rng.IntN(1000)) * time.Millisecond
	c.MinSession = 100 * time.Millisecond
	c.CheckEvery = time.Duration(1+rng.IntN(10)) * time.Second
	c.MaxSize = 3 + rng.IntN(8)
	c.WriteBytes = 4 << 10 << rng.IntN(4)
	c.DeadBytes = 512 << rng.IntN(8)
	c.ConsumerHeartbeat = time.Duration(50+rng.IntN(500)) * time.Millisecond
	c.ConsumerSession = c.ConsumerHeartbeat * time.Duration(3+rng.IntN(10))
	c.ConsumerMaxSize = 3 + rng.IntN(8)
	c.Upgrade, c.Downgrade = rng.IntN(4) > 0, rng.IntN(4) > 0
	return c
}
