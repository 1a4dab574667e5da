package main

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"
)

// health is the verdict. Healthy means: every broker answers at its advertised address, all in one cluster, there is a
// controller, every partition has a leader that answers and all its replicas in sync.
type health struct {
	Healthy         bool           `json:"healthy"`
	Cluster         string         `json:"cluster"`
	Controller      int32          `json:"controller"`
	BrokersUp       int            `json:"brokers_up"`
	Brokers         []brokerHealth `json:"brokers"`
	Leaderless      []string       `json:"leaderless"`
	UnderReplicated []string       `json:"under_replicated"`
	Problems        []string       `json:"problems"`
}

type brokerHealth struct {
	ID      int32  `json:"id"`
	Address string `json:"address"`
	Up      bool   `json:"up"`
	Why     string `json:"why,omitempty"`
}

type healthFlags struct {
	watch    bool
	exitWhen bool
	interval time.Duration
}

func newClusterHealth(a *app) *cobra.Command {
	var f healthFlags
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Say whether every broker answers and every partition is served; exit 10 if not",
		Long: `Ask every broker for what it knows, at the address it advertises, and print one verdict.
Exit 0 if healthy, 10 if not. --exit-when-healthy waits for it, up to --timeout.`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.interval <= 0 {
				return usagef("--interval is %v; give a positive duration", f.interval)
			}
			return a.clusterHealth(cmd.Context(), f)
		},
	}
	fl := cmd.Flags()
	fl.BoolVarP(&f.watch, "watch", "w", false, "keep looking and print whenever something changed")
	fl.BoolVar(&f.exitWhen, "exit-when-healthy", false, "keep looking until healthy, up to --timeout")
	fl.DurationVar(&f.interval, "interval", time.Second, "time between two looks")
	return cmd
}

func (a *app) clusterHealth(ctx context.Context, f healthFlags) error {
	if !f.watch && !f.exitWhen {
		h := a.probe(ctx)
		if err := a.printHealth(h); err != nil {
			return err
		}
		return h.exit()
	}
	if f.exitWhen {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.timeout)
		defer cancel()
	}
	var last string
	var h health
	look := *a
	look.timeout = min(a.timeout, 3*time.Second) // one broker that hangs must not stop the watch
	for {
		now := look.probe(ctx)
		if last == "" || !expired(ctx) { // a look cut short says nothing
			h = now
			if s := fmt.Sprintf("%+v", h); s != last {
				last = s
				if err := a.printHealth(h); err != nil {
					return err
				}
			}
		}
		if f.exitWhen && h.Healthy {
			return nil
		}
		if sleep(ctx, f.interval) != nil {
			return h.exit()
		}
	}
}

// expired is true from the deadline on, even before the context's own timer has run.
func expired(ctx context.Context) bool {
	d, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(d)
}

func (h health) exit() error {
	if h.Healthy {
		return nil
	}
	return unhealthy()
}

// probe looks at the cluster once. That nobody answers is a verdict too, not an error.
func (a *app) probe(ctx context.Context) health {
	views, err := a.askAll(ctx)
	if err != nil {
		h := health{Controller: -1, Brokers: []brokerHealth{}, Leaderless: []string{}, UnderReplicated: []string{}}
		h.Problems = []string{err.Error()}
		return h
	}
	return judgeHealth(views)
}

func judgeHealth(views []brokerView) health {
	h := health{Controller: -1, Leaderless: []string{}, UnderReplicated: []string{}, Problems: []string{}}
	up := make(map[int32]bool)
	clusters := make(map[string]bool)
	for _, v := range views {
		h.Brokers = append(h.Brokers, brokerHealth{ID: v.id, Address: v.addr, Up: v.md != nil, Why: v.why})
		if v.md == nil {
			h.Problems = append(h.Problems, fmt.Sprintf("%s is down: %s", v.name(), v.why))
			continue
		}
		h.BrokersUp++
		up[v.id] = true
		if v.md.ClusterID != nil {
			clusters[*v.md.ClusterID] = true
			h.Cluster = *v.md.ClusterID
		}
		if v.md.ControllerID >= 0 {
			h.Controller = v.md.ControllerID
		}
	}
	if len(clusters) > 1 {
		h.Problems = append(h.Problems, fmt.Sprintf("brokers belong to %d different clusters", len(clusters)))
	}
	if h.Controller < 0 {
		h.Problems = append(h.Problems, "no broker knows a controller")
	}
	h.judgePartitions(views, up)
	h.Healthy = len(h.Problems) == 0
	return h
}

func (h *health) judgePartitions(views []brokerView, up map[int32]bool) {
	for name, p := range newest(views) {
		if leaderless(p) || !up[p.Leader] {
			h.Leaderless = append(h.Leaderless, name)
		}
		insync := 0
		for _, id := range p.ISR {
			if up[id] {
				insync++
			}
		}
		if insync < len(p.Replicas) {
			h.UnderReplicated = append(h.UnderReplicated, name)
		}
	}
	sortPartitions(h.Leaderless)
	sortPartitions(h.UnderReplicated)
	if n := len(h.Leaderless); n > 0 {
		h.Problems = append(h.Problems, plural(int64(n), "partition")+" without a leader that answers")
	}
	if n := len(h.UnderReplicated); n > 0 {
		h.Problems = append(h.Problems, plural(int64(n), "partition")+" under-replicated")
	}
}

// sortPartitions orders topic/2 before topic/10.
func sortPartitions(v []string) {
	sort.Slice(v, func(i, j int) bool {
		a, b := strings.LastIndexByte(v[i], '/'), strings.LastIndexByte(v[j], '/')
		if v[i][:a] != v[j][:b] {
			return v[i][:a] < v[j][:b]
		}
		return len(v[i]) < len(v[j]) || len(v[i]) == len(v[j]) && v[i] < v[j]
	})
}

func (a *app) printHealth(h health) error {
	if a.json {
		return a.printJSON(h)
	}
	t := newTable()
	t.add("HEALTHY", yesNo(h.Healthy))
	t.add("CONTROLLER", brokerOrNone(h.Controller))
	t.add("BROKERS", fmt.Sprintf("%d/%d up", h.BrokersUp, len(h.Brokers)))
	t.add("LEADERLESS", countList(h.Leaderless))
	t.add("UNDER-REPLICATED", countList(h.UnderReplicated))
	for _, p := range h.Problems {
		t.add("PROBLEM", p)
	}
	t.print(a.out)
	return nil
}

// countList is "0", or a count and the first few names.
func countList(names []string) string {
	const show = 8
	switch {
	case len(names) == 0:
		return "0"
	case len(names) > show:
		return fmt.Sprintf("%d: %s, ...", len(names), strings.Join(names[:show], ", "))
	}
	return fmt.Sprintf("%d: %s", len(names), strings.Join(names, ", "))
}

// codeError is the error of a partition in Metadata.
func codeError(code int16) error {
	err := kerr.ErrorForCode(code)
	if errors.Is(err, kerr.ReplicaNotAvailable) {
		return nil // some replica is down; the leader serves
	}
	return err
}
