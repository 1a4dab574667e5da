package main

import (
	"cmp"
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"logd/broker"
	"logd/log"
	"logd/log/osfs"
	"logd/transport/tcp"
)

// Sizes, of which the last are not worth a flag.
const (
	walFiles     = 4        // of a new data directory, where --wal-files isn't given
	walFileBytes = 64 << 20 // of each of them, where --wal-file-bytes isn't
	groupBytes   = 4 << 20
	segmentBytes = 1 << 30
	indexBytes   = 4 << 10
	memoryBytes  = 176 << 20 // of a shard; over it garbage is collected sooner. GOMEMLIMIT goes before it
)

func newServe(a *app) *cobra.Command {
	c := &config{}
	cmd := &cobra.Command{
		Use:   "serve --id N --peers 1=host:port,... --kafka host:port --data DIR",
		Short: "Run one broker",
		Long: `Run one broker of a cluster. It ends on SIGTERM or Ctrl-C: leaderships are handed over, what is in flight is finished.

Every flag can also be set in a config file (--config, lines of NAME = VALUE) and in the environment
(LOGD_NAME, - becomes _). The command line goes before the environment, and that before the file.

Exit status: 0 stopped as asked, 1 an error, which the last line says, 2 wrong usage.`,
		Example: `  logd serve --id 1 --peers 1=127.0.0.1:10092 --kafka 127.0.0.1:9092 --data ./broker-1`,
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.complete(cmd, a.environ); err != nil {
				return err
			}
			if err := c.check(); err != nil {
				return err
			}
			var level slog.Level
			if err := level.UnmarshalText([]byte(c.logLevel)); err != nil {
				return usagef("--log-level is %q; it is debug, info, warn or error", c.logLevel)
			}
			outliveReaders()
			return a.serve(cmd.Context(), c, slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level})))
		},
	}
	c.flags(cmd)
	return cmd
}

// serve runs a broker until ctx is done. One whose directory must not be used any more comes back with an empty one.
func (a *app) serve(ctx context.Context, c *config, logger *slog.Logger) error {
	if c.parentFD >= 0 {
		go a.endWith(c.parentFD, logger)
	}
	for tried := false; ; {
		err := serveDir(ctx, c, logger)
		if errors.Is(err, log.ErrNoSpace) && !tried && giveUpReserve(c.data) == nil {
			logger.Warn("the disk is full: the reserve is given up so that the broker can start", "bytes", reserveBytes, "err", err)
			tried = true
			continue
		}
		if !errors.Is(err, errRejoin) || ctx.Err() != nil {
			return err
		}
		logger.Error("the directory was set aside: the broker rejoins with an empty one, as new replicas; delete what was set aside once they are whole", "err", err)
	}
}

// serveDir runs a broker on its directory until ctx is done. The error wraps [errRejoin] if that was set aside.
func serveDir(ctx context.Context, c *config, logger *slog.Logger) error {
	start := time.Now()
	tree, dir, err := openData(c)
	if err != nil {
		return err
	}
	defer tree.Unlock() // the process ends anyway
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(dir.Shards) * memoryBytes)
	}
	most, err := c.limitConns(dir)
	if err != nil {
		return err
	}
	peers, err := listen("--peers", c.peers[c.id])
	if err != nil {
		return err
	}
	defer peers.Close() // already closed when all went well
	clients, err := listen("--kafka", c.kafka)
	if err != nil {
		return err
	}
	defer clients.Close() // already closed when all went well
	n, err := makeNode(c, tree, &dir, advertised(c, clients.Addr()), logger, start)
	if err != nil {
		return err
	}
	logger.Info("broker starts", "version", version(), "broker", c.id, "incarnation", fmt.Sprintf("%016x", dir.Incarnation),
		"kafka", clients.Addr().String(), "peers", peers.Addr().String(), "data", c.data, "shards", dir.Shards, "writes", tree.Mode())
	if c.unsafeNoSync {
		logger.Warn("--unsafe-no-sync: nothing is synced, a loss of power loses acknowledged records")
	}
	watch, end := context.WithCancel(ctx)
	defer end()
	space, err := n.watchSpace(tree, c, logger)
	if err != nil {
		return err
	}
	go space.run(watch, n.loops)
	if err := n.run(ctx, clients, peers, c.peers, most); err != nil {
		if errors.Is(err, errRejoin) {
			n.settle()
			if _, aside := log.SetAside(tree, n.notes.dir, draw()); aside != nil {
				return fmt.Errorf("data directory %s: can't be set aside: %w (%v)", c.data, aside, err)
			}
		}
		return err
	}
	logger.Info("broker stopped", "broker", c.id, "after", time.Since(start).Round(time.Millisecond))
	return nil
}

// endWith ends the process when dev's end of a pipe is closed, which happens however dev ends (D5).
func (a *app) endWith(fd int, logger *slog.Logger) {
	pipe := os.NewFile(uintptr(fd), "parent")
	io.Copy(io.Discard, pipe) // nothing is ever written; an error ends it as well
	logger.Error("the process that started this broker is gone: ending")
	a.exit(exitFailed)
}

// openData locks the data directory and opens it, or formats it if it is empty (D4, S7).
func openData(c *config) (*osfs.FS, log.Dir, error) {
	if err := checkForeign(c.data, "logd.meta", "logd.lock", "logd.meta.tmp", "probe.tmp", reserveName); err != nil {
		return nil, log.Dir{}, err
	}
	tree, err := osfs.New(c.data, osfs.Options{UnsafeNoSync: c.unsafeNoSync})
	if err != nil {
		return nil, log.Dir{}, fmt.Errorf("--data: %w", err)
	}
	if err := tree.Lock(); err != nil {
		return nil, log.Dir{}, err
	}
	dir, err := c.openDir(tree)
	if err != nil {
		tree.Unlock() // the error tells more
		return nil, log.Dir{}, fmt.Errorf("data directory %s: %w", c.data, err)
	}
	return tree, dir, nil
}

// openDir opens the directory for a start. What the flags say wrong is said before anything is formatted: sizes are fixed then.
func (c *config) openDir(tree log.FS) (log.Dir, error) {
	dir, err := log.OpenDir(tree)
	empty := errors.Is(err, fs.ErrNotExist)
	if empty {
		dir, err = log.Dir{Broker: c.id, Incarnation: draw(), Shards: max(1, c.shards), Options: c.options()}, nil
	}
	if err == nil {
		err = c.checkDir(dir)
	}
	if err == nil && empty {
		err = log.FormatDir(tree, dir)
	}
	if err == nil {
		dir, err = log.StartDir(tree)
	}
	dir.Options.SegmentBytes, dir.Options.IndexBytes = segmentBytes, indexBytes
	return dir, err
}

// checkForeign refuses a directory that has something in it, but neither own nor what a format that was cut short leaves.
func checkForeign(dir, own string, left ...string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("--data: %w; name a directory for this broker alone", err)
	}
	other := ""
	for _, e := range entries {
		switch name := e.Name(); {
		case name == own, name == own+".copy":
			return nil
		case slices.Contains(left, name), name == "lost+found", strings.HasPrefix(name, "shard-"):
		default:
			other = name
		}
	}
	if other != "" {
		return fmt.Errorf("data directory %s has no %s but %s: it is not one of logd's; name an empty one", dir, own, other)
	}
	return nil
}

// options are those of a new data directory.
func (c *config) options() log.Options {
	files, bytes := cmp.Or(c.walFiles, walFiles), cmp.Or(c.walFileBytes, walFileBytes)
	return log.Options{WALFiles: files, WALFileBytes: bytes, GroupBytes: min(groupBytes, int(bytes/4)), SegmentBytes: segmentBytes, IndexBytes: indexBytes}
}

// makeNode recovers every shard. Where that may have lost a vote the broker comes back as one that joins (S5).
func makeNode(c *config, tree *osfs.FS, dir *log.Dir, at whereabouts, logger *slog.Logger, start time.Time) (*node, error) {
	n, err := recoverNode(c, tree, *dir, at, logger, start)
	if errors.Is(err, log.ErrVotesLost) {
		logger.Error("a vote may be lost: the shards are set aside, and the broker rejoins under a new incarnation", "err", err,
			"aside", log.AsideDir(dir.Incarnation, 0))
		if *dir, err = log.SetAside(tree, *dir, draw()); err != nil {
			return nil, fmt.Errorf("data directory %s: %w", c.data, err)
		}
		n, err = recoverNode(c, tree, *dir, at, logger, start)
	}
	return n, err
}

func recoverNode(c *config, tree *osfs.FS, dir log.Dir, at whereabouts, logger *slog.Logger, start time.Time) (*node, error) {
	limits := broker.DefaultLimits()
	limits.UncommittedBytes = min(limits.UncommittedBytes, log.MaxEntry(dir.Options))
	limits.Groups = c.groupLimits(limits.Groups)
	limits.Producers, limits.ProducerKeep = c.producers, c.producerKeep
	at.dir = absolute(c.data)
	boot := draw()
	var shards []stepper
	var trees []log.FS
	for i := range dir.Shards {
		sub := log.Sub(tree, log.ShardDir(i))
		store, rec, err := log.Open(sub, dir.Identity(i), dir.Options)
		if err != nil {
			return nil, fmt.Errorf("data directory %s: %w", c.data, err)
		}
		if rec.Cut != "" {
			logger.Info("recovered", "shard", i, "cut", rec.Cut)
		}
		for _, d := range rec.Damage {
			logger.Warn("found damage", "shard", i, "damage", d.String())
		}
		s, err := broker.New(broker.Config{Broker: c.id, Incarnation: dir.Incarnation, Generation: dir.Generation, Boot: boot, Shard: i, Shards: dir.Shards,
			Brokers: slices.Sorted(maps.Keys(c.peers)), Host: at.host, Port: at.port, Rack: c.rack, Dir: at.dir, Form: c.form, Joins: dir.Joins, Spoke: dir.Spoken(), Forgets: dir.Forgets,
			Topics: c.topics, Limits: limits}, store, rec, rand.New(rand.NewPCG(draw(), draw())))
		if err != nil {
			return nil, err
		}
		shards, trees = append(shards, s), append(trees, sub)
	}
	n := newNode(c.id, dir.Incarnation, boot, tcp.DefaultLimits(), shards, trees, logger, start)
	n.notes = &noter{tree: tree, dir: dir, boot: boot}
	for _, l := range n.loops {
		l.note = n.notes.note
	}
	return n, nil
}

// whereabouts are what clients are told of this process.
type whereabouts struct {
	host string
	port int32
	dir  string
}

// absolute is a path as seen from anywhere, if that can be told.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// advertised is what clients are told: --advertise, or --kafka with the port that the listener got.
func advertised(c *config, listener net.Addr) whereabouts {
	host, port, _ := net.SplitHostPort(c.advertise) // checked
	if c.advertise == "" {
		host, _, _ = net.SplitHostPort(c.kafka)
		return whereabouts{host: host, port: int32(listener.(*net.TCPAddr).Port)}
	}
	n, _ := strconv.ParseUint(port, 10, 16)
	return whereabouts{host: host, port: int32(n)}
}

func listen(flag, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s: %s is in use by another process; stop that one, or choose another port", flag, addr)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return l, nil
}

// draw returns a number that nobody drew before.
func draw() uint64 {
	var b [8]byte
	crand.Read(b[:]) // never fails
	return max(1, binary.BigEndian.Uint64(b[:]))
}
