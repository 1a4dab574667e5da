package main

import "slices"

// layer is one row of the table: a package and all that its non-test files may import directly.
type layer struct {
	dir string

	// strict packages are deterministic: the bans of bans.go, order.go and state.go
	// hold, and of the standard library only coreStd and std may be imported.
	strict bool

	// floats says that comparing floats is fine here: nothing that brokers must agree on is decided.
	floats bool

	// tests is a package for tests alone: those of every row may import it, and nothing else may.
	tests bool

	// ours are packages of this module, by folder; "*" is any of them.
	ours []string

	// std is allowed beyond coreStd; only meant for strict packages, others may import all of it.
	std []string

	// libs are import paths of other modules; "path/..." is that path and all below it.
	libs []string
}

const (
	raft    = "go.etcd.io/raft/v3"
	franz   = "github.com/twmb/franz-go/pkg/"
	cobra   = "github.com/spf13/cobra"
	pflag   = "github.com/spf13/pflag" // the flags of a cobra command
	sys     = "golang.org/x/sys/..."
	anyOurs = "*"
)

// layers goes from the bottom up: a package imports only from rows above its own.
var layers = []layer{
	{dir: "golden", tests: true, libs: []string{"github.com/google/go-cmp/cmp"}},

	{dir: "log", strict: true},
	{dir: "log/osfs", ours: []string{"log"}, libs: []string{sys}},
	{dir: "log/memfs", strict: true, ours: []string{"log"}},
	{dir: "log/crash", ours: []string{"log", "log/memfs"}},

	{dir: "transport", strict: true, libs: []string{franz + "kmsg"}},
	{dir: "transport/tcp", ours: []string{"transport"}, libs: []string{sys}},

	{dir: "replica/producer", strict: true, ours: []string{"log"}},
	{dir: "replica", strict: true, ours: []string{"log", "replica/producer", "transport"},
		libs: []string{raft, raft + "/raftpb", raft + "/quorum", raft + "/tracker", raft + "/confchange",
			"google.golang.org/protobuf/proto"}},

	{dir: "broker/deadline", strict: true},
	{dir: "broker/group", strict: true, ours: []string{"broker/deadline"}, std: []string{"regexp", "regexp/syntax"}, libs: []string{franz + "kbin", franz + "kmsg"}},
	{dir: "broker", strict: true, ours: []string{"broker/deadline", "broker/group", "log", "replica", "replica/producer", "transport"},
		std: []string{"compress/gzip"},
		libs: []string{raft, raft + "/raftpb", raft + "/quorum", raft + "/tracker", raft + "/confchange",
			franz + "kmsg", franz + "kerr",
			"github.com/klauspost/compress/s2", "github.com/klauspost/compress/zstd", "github.com/pierrec/lz4/v4"}},

	{dir: "checker", strict: true},
	{dir: "checker/second", ours: []string{"checker"}, libs: []string{"github.com/anishathalye/porcupine"}},
	{dir: "checker/record", ours: []string{"checker"}},
	{dir: "checker/jepsen", ours: []string{"checker"}},
	{dir: "checker/anomaly", strict: true, ours: []string{"checker"}},
	{dir: "checker/idempotent", strict: true, ours: []string{"checker"}},
	{dir: "checker/report", ours: []string{"checker", "checker/anomaly", "checker/second"}},

	{dir: "sim", strict: true, floats: true,
		ours: []string{"broker", "broker/group", "checker", "checker/anomaly", "checker/idempotent", "log", "replica", "transport"},
		std:  []string{"crypto/rand", "text/tabwriter"},
		libs: []string{franz + "kmsg"}},

	{dir: "sim/picture", ours: []string{"checker", "sim"}},

	{dir: "cmd/logd", ours: []string{anyOurs}, libs: []string{cobra, pflag, sys, franz + "kmsg"}},
	{dir: "cmd/logctl", ours: []string{anyOurs}, libs: []string{cobra, pflag, sys, franz + "...", "github.com/HdrHistogram/hdrhistogram-go"}},
	{dir: "cmd/logsim", ours: []string{anyOurs}, libs: []string{cobra, pflag}},
	{dir: "cmd/logcheck", ours: []string{anyOurs}, libs: []string{cobra, pflag, sys,
		"github.com/klauspost/compress/gzip", "github.com/klauspost/compress/zstd"}},
	{dir: "cmd/kafkadoc", ours: []string{"broker"}},
	{dir: "cmd/e2e", ours: []string{anyOurs}},
	{dir: "cmd/tidy"},
	{dir: "examples/record", ours: []string{"checker/record"}, libs: []string{franz + "..."}},
}

// coreStd is what every strict package may import of the standard library.
// Nothing in it starts a goroutine, takes a lock for its caller or opens a file;
// the few functions that read a clock, draw entropy or write output are banned by name in bans.go.
var coreStd = []string{
	"bufio", "bytes", "cmp", "container/heap", "container/list",
	"encoding/base64", "encoding/binary", "encoding/hex", "encoding/json", "errors", "fmt",
	"hash", "hash/crc32", "hash/fnv", "io", "io/fs", "iter",
	"maps", "math", "math/bits", "math/rand/v2", "path",
	"slices", "sort", "strconv", "strings", "time", "unicode", "unicode/utf8",
}

// onlyIn pins an import of a strict package to one file. raft draws election timeouts
// from crypto/rand.Reader; the simulator points it at the shard's own stream there (rule S14).
var onlyIn = map[string]string{
	"crypto/rand": "sim/entropy.go",
}

// instead names the replacement of imports that people reach for in the core.
var instead = map[string]string{
	"context":               "a deadline compared with Now",
	"crypto/rand":           "a *rand.Rand of math/rand/v2 handed in",
	"hash/maphash":          "hash/fnv or hash/crc32, whose seed doesn't vary by process",
	"log":                   "a log event value in Output",
	"log/slog":              "a log event value in Output",
	"math/rand":             "a *rand.Rand of math/rand/v2 handed in",
	"net":                   "bytes in Event and Output; sockets live in transport/tcp",
	"os":                    "log.FS and log.File; files are opened in log/osfs",
	"path/filepath":         "names given by the driver; paths are built in log/osfs",
	"reflect":               "a type switch",
	"runtime":               "nothing: the driver owns the process",
	"sync":                  "nothing: a shard runs on one goroutine",
	"sync/atomic":           "nothing: a shard runs on one goroutine",
	"unsafe":                "encoding/binary",
	franz + "kgo":           "kmsg; clients belong in cmd/logctl and tests",
	franz + "kadm":          "kmsg; clients belong in cmd/logctl and tests",
	"testing":               "a _test.go file",
	raft + "/rafttest":      "a _test.go file",
	"golang.org/x/sys/unix": "log.FS; system calls live in log/osfs",
}

// findLayer returns the row of a folder, or nil. A folder below a command belongs to that command.
func findLayer(dir string) *layer {
	for i := range layers {
		row := &layers[i]
		if row.dir == dir || under(row.dir, "cmd") && under(dir, row.dir) {
			return row
		}
	}
	return nil
}

// reach is what tests of a row may import of this module: what lies below it, however far,
// itself, the subfolders of all these (log/osfs, checker/second), and what is there for tests alone.
func reach(row *layer) []string {
	if slices.Contains(row.ours, anyOurs) {
		return []string{anyOurs}
	}
	below := []string{row.dir}
	for i := 0; i < len(below); i++ {
		if next := findLayer(below[i]); next != nil {
			below = append(below, fresh(below, next.ours)...)
		}
	}
	for _, dir := range slices.Clone(below) {
		for i := range layers {
			if under(layers[i].dir, dir) {
				below = append(below, fresh(below, []string{layers[i].dir})...)
			}
		}
	}
	for _, row := range layers {
		if row.tests {
			below = append(below, fresh(below, []string{row.dir})...)
		}
	}
	return below
}

// fresh returns those of more that aren't in have.
func fresh(have, more []string) []string {
	return slices.DeleteFunc(slices.Clone(more), func(s string) bool { return slices.Contains(have, s) })
}
