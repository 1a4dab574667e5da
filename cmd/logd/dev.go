package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"logd/log/osfs"
)

const (
	peerPorts = 1000 // a broker's peer port is so far above its Kafka port
	devNote   = "logd.dev.json"
)

// devConfig is what dev was told.
type devConfig struct {
	brokers      int
	port         int
	data         string
	shards       int
	restartAfter time.Duration
	noRestart    bool
	unsafeNoSync bool
}

func newDev(a *app) *cobra.Command {
	d := &devConfig{}
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run a cluster for development on this machine",
		Long: `Run a cluster for development on this machine: one logd serve process per broker, on 127.0.0.1.

Ctrl-C stops all of them, a second Ctrl-C at once. The records stay in --data.`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.dev(cmd.Context(), d) },
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.IntVar(&d.brokers, "brokers", 3, "number of brokers")
	fl.IntVar(&d.port, "port", 9092, "port of the first broker for clients, the others have the next; peers are 1000 above")
	fl.StringVar(&d.data, "data", "./logd-data", "directory for the records of all brokers")
	fl.IntVar(&d.shards, "shards", 1, "event loops per broker, fixed at the first start")
	fl.DurationVar(&d.restartAfter, "restart-after", 5*time.Second, "pause before a broker that died is started again")
	fl.BoolVar(&d.noRestart, "no-restart", false, "leave a broker that died dead")
	fl.BoolVar(&d.unsafeNoSync, "unsafe-no-sync", false, "never sync: a loss of power loses acknowledged records")
	return cmd
}

// dev runs the cluster until ctx is done.
func (a *app) dev(ctx context.Context, d *devConfig) error {
	if err := d.check(); err != nil {
		return err
	}
	outliveReaders()
	unlock, err := d.claim()
	if err != nil {
		return err
	}
	defer unlock()
	c := newCrew(a, d)
	defer c.close()
	for i := range d.brokers {
		if err := c.start(i); err != nil {
			return err
		}
	}
	ready := make(chan int32, 1) // the broker that leads the metadata
	probing, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		if leader, ok := waitReady(probing, d.addresses()); ok {
			ready <- leader
		}
	}()
	return c.watch(ctx, ready)
}

func (d *devConfig) check() error {
	switch {
	case d.brokers < 1 || d.brokers > 100:
		return usagef("--brokers is %d; 1 to 100 are possible", d.brokers)
	case d.port < 1 || d.port+d.brokers-1+peerPorts > 65535:
		return usagef("--port is %d; ports %d to %d must all exist", d.port, d.port, d.port+d.brokers-1+peerPorts)
	case d.brokers > peerPorts:
		return usagef("--brokers is %d; at most %d have ports of their own", d.brokers, peerPorts)
	}
	return nil
}

// addresses are the brokers' Kafka listeners.
func (d *devConfig) addresses() []string {
	var all []string
	for i := range d.brokers {
		all = append(all, loopback(d.port+i))
	}
	return all
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// claim makes sure that the ports are free, and that the data directory is one of dev's, of so many brokers, and not in use.
func (d *devConfig) claim() (unlock func(), err error) {
	for i := range d.brokers {
		for _, port := range []int{d.port + i, d.port + i + peerPorts} {
			l, err := listen("--port", loopback(port))
			if err != nil {
				return nil, err
			}
			l.Close() // it was never used
		}
	}
	if err := checkForeign(d.data, devNote, "logd.lock", "probe.tmp", devNote+".tmp"); err != nil {
		return nil, err
	}
	if err := osfs.MkdirAll(d.data); err != nil {
		return nil, err
	}
	tree, err := osfs.New(d.data, osfs.Options{UnsafeNoSync: d.unsafeNoSync})
	if err != nil {
		return nil, err
	}
	if err := tree.Lock(); err != nil {
		return nil, err
	}
	if err := d.note(); err != nil {
		tree.Unlock() // the error tells more
		return nil, err
	}
	return func() { tree.Unlock() }, nil // the process ends anyway
}

// note compares the count with the one that the data was made with, or writes it down.
func (d *devConfig) note() error {
	type devData struct {
		Brokers int `json:"brokers"`
		Shards  int `json:"shards"`
	}
	name := filepath.Join(d.data, devNote)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		text, _ = json.Marshal(devData{d.brokers, d.shards}) // can't fail
		if err := os.WriteFile(name+".tmp", append(text, '\n'), 0o600); err != nil {
			return err
		}
		return os.Rename(name+".tmp", name)
	}
	if err != nil {
		return err
	}
	var made devData
	if err := json.Unmarshal(text, &made); err != nil {
		return fmt.Errorf("%s: %w; delete the directory to begin anew", name, err)
	}
	if made != (devData{d.brokers, d.shards}) {
		return fmt.Errorf("%s was made with --brokers %d --shards %d, not %d and %d: give the same, or another --data",
			d.data, made.Brokers, made.Shards, d.brokers, d.shards)
	}
	return nil
}

// serveArgs is the command line of broker number i+1.
func (d *devConfig) serveArgs(i int) []string {
	var peers []string
	for j := range d.brokers {
		peers = append(peers, fmt.Sprintf("%d=%s", j+1, loopback(d.port+j+peerPorts)))
	}
	args := []string{"serve", "--id", strconv.Itoa(i + 1), "--peers", strings.Join(peers, ","), "--kafka", loopback(d.port + i),
		"--data", filepath.Join(d.data, fmt.Sprintf("broker-%d", i+1)), "--shards", strconv.Itoa(d.shards),
		"--wal-files", "2", "--wal-file-bytes", strconv.Itoa(8 << 20), "--auto-create-topics", "--group-initial-rebalance-delay", "0s", "--parent-fd", "0"}
	if d.unsafeNoSync {
		args = append(args, "--unsafe-no-sync")
	}
	return args
}

// welcome says what there is and what to do with it. kill is the process that the reader is told to kill.
func (a *app) welcome(d *devConfig, pids []int, kill int) {
	bootstrap := strings.Join(d.addresses(), ",")
	fmt.Fprintf(a.out, "\n%d brokers serve. Bootstrap address: %s\n\n", d.brokers, bootstrap)
	table := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "  BROKER\tADDRESS\tPID\n")
	for i, addr := range d.addresses() {
		fmt.Fprintf(table, "  %d\t%s\t%d\n", i+1, addr, pids[i])
	}
	table.Flush() // an error shows nowhere else either
	logctl := "logctl"
	if exe, err := os.Executable(); err == nil && strings.Contains(exe, "go-build") {
		logctl = "go run ./cmd/logctl" // dev itself was run like that
	}
	if d.port != 9092 {
		logctl += " -b " + bootstrap
	}
	comes := fmt.Sprintf("it comes back in %s", d.restartAfter)
	if d.noRestart {
		comes = "the others go on"
	}
	fmt.Fprintf(a.out, `
Try:
  echo hello | %s topic produce greetings
  %s topic consume greetings
  kill -9 %d   # a leader dies: nothing acknowledged is lost, and %s

Ctrl-C stops all brokers.

`, logctl, logctl, kill, comes)
}
