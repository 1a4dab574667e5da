package picture

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"logd/sim"
)

// lacking ends a test that can't run here. With LOGD_CI set that is a failure: there everything is installed.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("LOGD_CI") != "" {
		t.Fatalf("%s, and LOGD_CI is set", what)
	}
	t.Skipf("NOT RUN: %s; apt-get install chromium has the page's scripts tested", what)
}

func browser(t *testing.T) string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	lacking(t, "no chromium")
	return ""
}

// A browser opens a page, and its keys, pointer, search and filter do what they say (testdata/check.js). The page asks for nothing more (V1).
func TestPageInABrowser(t *testing.T) {
	chromium := browser(t)
	r := NewRecorder()
	opt := sim.Draw(7, 15*time.Second)
	for seed := opt.Seed; opt.Brokers < 3; seed++ {
		opt = sim.Draw(seed, 15*time.Second)
	}
	if result := sim.Run(opt, sim.Env{Events: r.Event}); result.Violation != nil {
		t.Fatal(result.Violation)
	}
	last := int64(0)
	for _, id := range r.c.Ops.ID {
		last = max(last, id)
	}
	r.Finish(&sim.Violation{Name: "made-up", Text: "orders/0: broker 1 is blamed for nothing", Ops: []int64{last, last - 3}})
	script, err := os.ReadFile("testdata/check.js")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(page(t, r), "</body>", "<script>\n"+string(script)+"</script>\n</body>", 1)
	asked, verdict := make(chan string, 100), make(chan string, 1)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch req.URL.Path {
		case "/page.html":
			io.WriteString(w, text)
		case "/verdict":
			said, _ := io.ReadAll(req.Body) // what is cut short is no PASSED
			verdict <- string(said)
		default:
			asked <- req.URL.Path
		}
	}))
	defer site.Close()
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--user-data-dir="+t.TempDir(),
		"--window-size=1400,900", "--remote-debugging-port=0", site.URL+"/page.html")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = time.Second // its children hold the pipes
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case v := <-verdict:
		t.Log(v)
		if !strings.HasPrefix(v, "PASSED ") {
			t.Errorf("the page in a browser: %s", v)
		}
	case <-ctx.Done():
		defer func() { t.Errorf("the page says nothing: %v; the browser says\n%s", ctx.Err(), said.String()) }()
	}
	stop()
	cmd.Wait() // it was killed
	close(asked)
	for path := range asked {
		if path != "/favicon.ico" { // the browser's own wish
			t.Errorf("the page asked for %s (V1)", path)
		}
	}
}
