package main

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
)

const (
	// defaultPeers are the peer addresses of `logd dev`.
	defaultPeers = "127.0.0.1:10092,127.0.0.1:10093,127.0.0.1:10094"
	// scrubLook is the time between two questions to a shard.
	scrubLook = 200 * time.Millisecond
	// scrubDraw is the time between two pictures of the progress.
	scrubDraw = 500 * time.Millisecond
)

type scrubFlags struct {
	peers    []string
	status   bool
	patience time.Duration
}

func newScrub(a *app) *cobra.Command {
	var f scrubFlags
	cmd := &cobra.Command{
		Use:   "scrub",
		Short: "Have every broker verify all it has on disk, wait for repairs, and report",
		Long: `Have each shard of each broker read and verify all its segments, and compare running hashes with its peers; what is damaged is mended by
the brokers themselves, from their peers. They go on if this command is interrupted.

It asks the brokers' peer ports, the addresses of logd serve --peers, and needs none of Kafka.
Exit 0 if all is whole, 1 if something is damaged still or differs between brokers, 2 if nothing is but a broker can't be reached.`,
		Example: `  logctl scrub --peers 10.0.0.1:10092,10.0.0.2:10092,10.0.0.3:10092
  logctl scrub --status --json`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return a.scrub(cmd.Context(), f)
		},
	}
	peers := strings.Split(defaultPeers, ",")
	if env := a.getenv("LOGCTL_PEERS"); env != "" {
		peers = strings.Split(env, ",")
	}
	fl := cmd.Flags()
	fl.StringSliceVar(&f.peers, "peers", peers, "the brokers' peer addresses, host:port or N=host:port as logd serve has them (env LOGCTL_PEERS)")
	fl.BoolVar(&f.status, "status", false, "begin nothing, only say how it stands")
	fl.DurationVar(&f.patience, "patience", 30*time.Second, "how long repairs may bring nothing before what is lost is reported")
	return cmd
}

// check validates the flags and strips what logd's --peers has beside addresses.
func (f *scrubFlags) check() error {
	if f.patience <= 0 {
		return usagef("--patience is %v; give a positive duration such as 30s", f.patience)
	}
	var addrs []string
	for _, p := range f.peers {
		addr := strings.TrimSpace(p)
		if _, after, numbered := strings.Cut(addr, "="); numbered {
			addr = after
		}
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return usagef("--peers: %q is not host:port", p)
		}
		if !slices.Contains(addrs, addr) {
			addrs = append(addrs, addr)
		}
	}
	if len(addrs) == 0 {
		return usagef("--peers is empty; give the peer address of each broker, host:port")
	}
	f.peers = addrs
	return nil
}

// scrubs is all shards of all brokers, each watched by a goroutine of its own.
type scrubs struct {
	app    *app
	flags  scrubFlags
	mu     sync.Mutex
	shards []*shardScrub // by address as given, then by shard; guarded by mu, and so is what they hold
	ended  sync.WaitGroup
}

func (a *app) scrub(ctx context.Context, f scrubFlags) error {
	s := &scrubs{app: a, flags: f}
	for _, addr := range f.peers {
		s.watch(ctx, addr, 0)
	}
	done := make(chan struct{})
	go func() {
		s.ended.Wait()
		close(done)
	}()
	screen := newScreen(a.err)
	for draw := time.NewTicker(scrubDraw); ; {
		select {
		case <-draw.C:
			screen.draw(s.progress())
			continue
		case <-done:
		}
		draw.Stop()
		break
	}
	screen.draw(nil)
	if ctx.Err() != nil {
		a.note("interrupted; the brokers go on by themselves: logctl scrub --status")
	}
	r := s.report()
	if err := a.printScrub(r); err != nil {
		return err
	}
	return r.exit(ctx.Err() != nil)
}

// watch asks one shard of the broker at an address until its scrub is over, and has its siblings watched once they are known.
func (s *scrubs) watch(ctx context.Context, addr string, shard int) {
	t := &shardScrub{addr: addr, shard: shard, status: s.flags.status, patience: s.flags.patience}
	s.mu.Lock()
	s.shards = append(s.shards, t)
	s.mu.Unlock()
	s.ended.Add(1)
	go func() {
		defer s.ended.Done()
		conn := toolConn{addr: addr, shard: shard, wait: s.app.dialTimeout()}
		defer conn.close()
		for heard := time.Now(); ; {
			rep, boot, err := conn.ask(ctx, t.begins())
			now := time.Now()
			s.mu.Lock()
			first := err == nil && t.phase == scrubAsks && t.boot == 0
			over := false
			if err == nil {
				heard = now
				over = t.take(rep, boot, now)
			} else if over = ctx.Err() != nil || s.flags.status || now.Sub(heard) > s.app.timeout; over && ctx.Err() == nil {
				t.why = reason(err)
			}
			s.mu.Unlock()
			if first && shard == 0 {
				for i := 1; i < rep.Shards; i++ {
					s.watch(ctx, addr, i)
				}
			}
			if over || sleep(ctx, scrubLook) != nil {
				return
			}
		}
	}()
}

// sorted are the shards in order; s.mu is held.
func (s *scrubs) sorted() []*shardScrub {
	return slices.SortedStableFunc(slices.Values(s.shards), func(a, b *shardScrub) int {
		if a.addr != b.addr {
			return slices.Index(s.flags.peers, a.addr) - slices.Index(s.flags.peers, b.addr)
		}
		return a.shard - b.shard
	})
}

// progress is one line for each shard.
func (s *scrubs) progress() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, t := range s.sorted() {
		lines = append(lines, fmt.Sprintf("%s shard %d  %s", t.name(), t.shard, t.state()))
	}
	return lines
}
