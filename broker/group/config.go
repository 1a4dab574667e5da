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
		MaxSize: math.MaxInt32, Members: 100_000, MemberBytes: 1 << 20, HeldBytes: 64 << 20, MetadataBytes: 4096, StateBytes: 1 << 30, Waiting: 10_000,
		WriteBytes: 8 << 20, DeadBytes: 16 << 20,
		ConsumerSession: 45 * time.Second, ConsumerHeartbeat: 5 * time.Second, ConsumerMaxSize: 5000, Upgrade: true, Downgrade: true,
	}
}

// Bounds are what consumer groups may be given for themselves, Kafka's group.consumer.min.session.timeout.ms and so on. A broker that was
// started with less, or more, allows that too.
type Bounds struct{ MinSession, MaxSession, MinHeartbeat, MaxHeartbeat time.Duration }

// ConsumerBounds are Kafka's defaults, and what lies between them and the broker's own settings.
func (c Config) ConsumerBounds() Bounds {
	return Bounds{min(45*time.Second, c.ConsumerSession), max(time.Minute, c.ConsumerSession),
		min(5*time.Second, c.ConsumerHeartbeat), max(15*time.Second, c.ConsumerHeartbeat)}
}

// sessionOf is a consumer group's session timeout: its own, within this broker's bounds, or the broker's.
func (m *Machine) sessionOf(g *group) time.Duration {
	b := m.cfg.ConsumerBounds()
	if d := m.topics.Session(g.id); d > 0 {
		return min(max(d, b.MinSession), b.MaxSession)
	}
	return m.cfg.ConsumerSession
}

// heartbeatOf is how often its members are to send heartbeats.
func (m *Machine) heartbeatOf(g *group) time.Duration {
	b := m.cfg.ConsumerBounds()
	if d := m.topics.Heartbeat(g.id); d > 0 {
		return min(max(d, b.MinHeartbeat), b.MaxHeartbeat)
	}
	return m.cfg.ConsumerHeartbeat
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
