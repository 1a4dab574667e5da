package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"logd/golden"
)

// TestMain lets the test binary be logctl itself, which bench disk starts again.
func TestMain(m *testing.M) {
	if os.Getenv("LOGCTL_TEST_SELF") == "1" {
		main()
	}
	os.Exit(m.Run())
}

// fake starts a Kafka broker cluster in this process.
func fake(t *testing.T, brokers int, topics ...string) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(brokers), kfake.ClusterID("testcluster"), kfake.SeedTopics(3, topics...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

type result struct {
	out, err string
	code     int
}

// logctl runs one command line against addrs and captures everything.
func logctl(t *testing.T, addrs []string, stdin string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return logctlCtx(ctx, addrs, stdin, args...)
}

func logctlCtx(ctx context.Context, addrs []string, stdin string, args ...string) result {
	var out, errs bytes.Buffer
	env := map[string]string{"LOGCTL_BROKERS": strings.Join(addrs, ",")}
	a := &app{in: strings.NewReader(stdin), out: &out, err: &errs, getenv: func(k string) string { return env[k] }}
	code := a.run(ctx, args)
	return result{out.String(), errs.String(), code}
}

// patiently runs a bench in ever longer windows until one of them measures something, however slow the machine is.
func patiently(t *testing.T, addrs []string, stdin string, args ...string) result {
	t.Helper()
	if args[0] != "bench" || args[1] != "produce" {
		return logctl(t, addrs, stdin, args...)
	}
	for d := 50 * time.Millisecond; ; d *= 2 {
		r := logctl(t, addrs, stdin, append(args, "--duration", d.String())...)
		if !strings.Contains(r.err, "nothing was measured") || d > 10*time.Second {
			return r
		}
	}
}

// ok fails the test unless the command exited with 0.
func (r result) ok(t *testing.T) result {
	t.Helper()
	if r.code != exitOK {
		t.Fatalf("exit %d\nstdout:\n%s\nstderr:\n%s", r.code, r.out, r.err)
	}
	return r
}

func (r result) want(t *testing.T, code int, errHas ...string) result {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit %d, want %d\nstdout:\n%s\nstderr:\n%s", r.code, code, r.out, r.err)
	}
	for _, s := range errHas {
		if !strings.Contains(r.err, s) {
			t.Fatalf("stderr lacks %q:\n%s", s, r.err)
		}
	}
	return r
}

func decode[T any](t *testing.T, r result) T {
	t.Helper()
	var v T
	d := json.NewDecoder(strings.NewReader(r.out))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("stdout is no JSON: %v\n%s", err, r.out)
	}
	if d.More() {
		t.Fatalf("stdout has more than one JSON document:\n%s", r.out)
	}
	return v
}

var topicID = regexp.MustCompile(`(?m)^(ID +)[A-Za-z0-9_-]{22}$`)

// sameResult compares a command's whole result with a file; ports and topic ids are replaced by words as wide.
func sameResult(t *testing.T, name string, addrs []string, r result) {
	t.Helper()
	got := fmt.Sprintf("exit %d\n--- stdout\n%s--- stderr\n%s", r.code, r.out, r.err)
	for i, a := range addrs {
		_, port, _ := net.SplitHostPort(a)
		got = strings.ReplaceAll(got, port, fmt.Sprintf("%0*d", len(port), i))
	}
	got = topicID.ReplaceAllString(got, "${1}TTTTTTTTTTTTTTTTTTTTTT")
	golden.Same(t, filepath.Join("testdata", name+".golden"), []byte(got))
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// silent is an address that accepts connections and never answers.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var held []net.Conn
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			held = append(held, c)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
		for _, c := range held {
			c.Close()
		}
	})
	return l.Addr().String()
}
