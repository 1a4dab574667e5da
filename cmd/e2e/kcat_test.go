package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const lines = 100_000

// run64 is what every codec makes smaller, whatever it adds of its own.
var run64 = strings.Repeat("=", 64)

// codecs are kcat's names for them, and the numbers in a batch's attributes.
var codecs = []string{"none", "gzip", "snappy", "lz4", "zstd"}

// kcat, a client in C, works with its own defaults: no -X is needed.
func TestKcat(t *testing.T) {
	t.Parallel()
	kcat, err := exec.LookPath("kcat")
	if err != nil {
		lacking(t, "kcat is not installed (Debian: apt-get install kcat)")
		return
	}
	c := startCluster(t)
	c.createTopic(t, "lines", int32(len(codecs)))
	input := filepath.Join(c.dir, "input")
	sent := makeLines(lines)
	if err := os.WriteFile(input, sent, 0o600); err != nil {
		t.Fatal(err)
	}
	for p, codec := range codecs {
		start := time.Now()
		complain := run(t, kcat, input, "-P", "-b", c.addrs()[p%brokers], "-t", "lines", "-p", fmt.Sprint(p), "-z", codec).err
		if complain != "" {
			t.Errorf("%s: kcat -P says: %s", codec, complain)
		}
		produced := time.Since(start)
		got := run(t, kcat, "", "-C", "-b", c.addrs()[(p+1)%brokers], "-t", "lines", "-p", fmt.Sprint(p), "-o", "beginning", "-e", "-q")
		if got.err != "" {
			t.Errorf("%s: kcat -C says: %s", codec, got.err)
		}
		if !bytes.Equal(got.out, sent) {
			i := 0
			for i < min(len(got.out), len(sent)) && got.out[i] == sent[i] {
				i++
			}
			t.Errorf("%s: %d bytes are sent, %d read, different from byte %d on", codec, len(sent), len(got.out), i)
		}
		c.verifyCodec(t, int32(p))
		t.Logf("%s: produced in %s, consumed in %s", codec, produced.Round(time.Millisecond), (time.Since(start) - produced).Round(time.Millisecond))
	}
}

// verifyCodec reads a partition with kgo: the batches are stored with the codec that the producer chose, which librdkafka
// gives up silently if a broker's versions displease it.
func (c *cluster) verifyCodec(t *testing.T, partition int32) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.addrs()...),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"lines": {partition: kgo.NewOffset().At(0)}}))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for n := 0; n < lines; {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("%s: %v after %d records", codecs[partition], err, n)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if got := r.Attrs.CompressionType(); int32(got) != partition && n < lines {
				t.Errorf("%s: offset %d is stored with codec %d", codecs[partition], r.Offset, got)
				n = lines // once is enough
			}
			n++
		})
	}
}

// makeLines makes lines of many lengths, of all bytes but the end of a line. Each ends in a run that every codec makes
// smaller: librdkafka sends a batch that doesn't get smaller without codec, and a slow moment leaves a line alone in its batch.
func makeLines(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "%d ", i)
		length := rng.IntN(100)
		if i%5000 == 0 {
			length = rng.IntN(50_000)
		}
		for range length {
			if c := byte(rng.IntN(256)); c != '\n' && rng.IntN(4) == 0 {
				b.WriteByte(c)
			} else {
				b.WriteByte('=')
			}
		}
		b.WriteString(run64 + "\n")
	}
	return b.Bytes()
}

// ran is what a command printed.
type ran struct {
	out []byte
	err string
}

// run runs a command that must end well.
func run(t *testing.T, name, input string, args ...string) ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if input != "" {
		f, err := os.Open(input)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		cmd.Stdin = f
	}
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(append([]string{name}, args...), " "), err, errs.String())
	}
	return ran{out.Bytes(), errs.String()}
}
