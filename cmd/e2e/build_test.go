package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"logd/log/osfs"
)

// moduleRoot is where go.mod lies, as seen from this package.
const moduleRoot = "../.."

// scratch is a directory of this run on a file system that keeps data.
var scratch string

func TestMain(m *testing.M) {
	var err error
	if scratch, err = makeScratch(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(scratch); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
	}
	os.Exit(code)
}

// makeScratch takes the temporary directory, or one in the module where that lies in memory, which logd refuses.
func makeScratch() (string, error) {
	dir, err := os.MkdirTemp("", "logd-e2e-")
	if err != nil {
		return "", err
	}
	probe := filepath.Join(dir, "probe")
	if _, err = osfs.New(probe, osfs.Options{}); err == nil {
		return dir, os.RemoveAll(probe)
	}
	os.RemoveAll(dir) // it is empty
	base, err := filepath.Abs(filepath.Join(moduleRoot, "logd-data"))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(base, 0o700); err != nil {
		return "", err
	}
	return os.MkdirTemp(base, "e2e-")
}

// binaries are the commands under test, built once.
var binaries = sync.OnceValues(func() (string, error) {
	if err := openSources(); err != nil {
		return "", err
	}
	bin := filepath.Join(scratch, "bin")
	cmd := exec.Command("go", "build", "-o", bin+string(filepath.Separator), "./cmd/logd", "./cmd/logcheck", "./cmd/logctl", "./examples/record")
	cmd.Dir = moduleRoot
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return bin, nil
})

// openSources opens every folder of the module: what go build reads is not seen by go test, which would take the result of
// an earlier run for that of changed brokers.
func openSources() error {
	return filepath.WalkDir(moduleRoot, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // another test's scratch file
		}
		if err == nil && d.IsDir() && (d.Name() == ".git" || d.Name() == "logd-data") {
			return fs.SkipDir
		}
		return err
	})
}

// command returns the path of a command.
func command(t testing.TB, name string) string {
	t.Helper()
	bin, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(bin, name)
}

// scratchDir is a directory for one test, gone after it; if the test failed it is kept beside the scratch directory.
func scratchDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(scratch, strings.ReplaceAll(t.Name(), "/", "-")+"-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			if err := os.Rename(dir, scratch+"-failed-"+filepath.Base(dir)); err == nil {
				t.Logf("its files are kept in %s", scratch+"-failed-"+filepath.Base(dir))
				return
			}
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// lacking ends a test that can't run here. With LOGD_CI set that is a failure: there everything is installed.
func lacking(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("LOGD_CI") != "" {
		t.Fatalf("%s, and LOGD_CI is set", what)
	}
	fmt.Fprintf(os.Stderr, "\n*** %s DID NOT RUN: %s\n\n", t.Name(), what)
	t.Skipf("DID NOT RUN: %s", what)
}
