package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopPatience is how long dev waits for one broker to stop before it asks the next.
const stopPatience = 3 * time.Second

// crew is the brokers that dev started.
//
//	dev ──┬─ stdin pipe: its end tells a broker that dev is gone (D5)
//	      ├─ on Linux, the kernel kills them with the thread that started them: keeper
//	      └─ their log lines, prefixed
type crew struct {
	app    *app
	dev    *devConfig
	exe    []string // this program, and what goes before serve's own arguments
	print  sync.Mutex
	keeper chan func() // runs on one thread, which lives as long as dev
	gone   chan death
	hands  []*hand
}

// hand is one broker's process.
type hand struct {
	cmd   *exec.Cmd
	stdin io.Closer
	alive bool
	last  string // line that it logged
}

type death struct {
	index int
	state string
}

func newCrew(a *app, d *devConfig) *crew {
	exe, err := os.Executable()
	if err != nil {
		exe = os.Args[0]
	}
	c := &crew{app: a, dev: d, exe: []string{exe}, keeper: make(chan func()), gone: make(chan death, d.brokers), hands: make([]*hand, d.brokers)}
	go func() {
		runtime.LockOSThread()
		for f := range c.keeper {
			f()
		}
	}()
	return c
}

// start starts broker number i+1.
func (c *crew) start(i int) error {
	cmd := exec.Command(c.exe[0], append(c.exe[1:len(c.exe):len(c.exe)], c.dev.serveArgs(i)...)...)
	cmd.SysProcAttr = childAttr()
	for _, v := range os.Environ() { // what is set for a broker of one's own is not meant for these
		if !strings.HasPrefix(v, "LOGD_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	output, to, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = to, to
	started := make(chan error)
	c.keeper <- func() { started <- cmd.Start() }
	err = <-started
	to.Close() // the child has its own
	if err != nil {
		output.Close() // nothing was read
		return fmt.Errorf("broker %d: %w", i+1, err)
	}
	h := &hand{cmd: cmd, stdin: stdin, alive: true}
	c.hands[i] = h
	go func() {
		c.copyLines(i, h, output)
		err := cmd.Wait()
		state := "exit status 0"
		if err != nil {
			state = err.Error()
		}
		c.gone <- death{i, state}
	}()
	return nil
}

// copyLines prints what a broker logs, each line under its number.
func (c *crew) copyLines(i int, h *hand, from io.ReadCloser) {
	defer from.Close() // only read
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadString('\n')
		if line = strings.TrimRight(line, "\n"); line != "" {
			c.print.Lock()
			h.last = line
			fmt.Fprintf(c.app.err, "%d | %s\n", i+1, line)
			c.print.Unlock()
		}
		if err != nil {
			return
		}
	}
}

func (c *crew) say(format string, args ...any) {
	c.print.Lock()
	defer c.print.Unlock()
	fmt.Fprintf(c.app.err, "logd dev: "+format+"\n", args...)
}

// watch welcomes the user once the cluster serves, starts what died again, and returns after ctx is done and all have ended.
func (c *crew) watch(ctx context.Context, ready <-chan int32) error {
	served := false
	restart := make(chan int, c.dev.brokers)
	for {
		select {
		case leader := <-ready:
			served = true
			c.welcome(leader)
		case d := <-c.gone:
			h := c.hands[d.index]
			h.alive = false
			if !served && !c.dev.noRestart {
				return fmt.Errorf("broker %d ended before the cluster served (%s): %s", d.index+1, d.state, h.last)
			}
			after := fmt.Sprintf("it starts again in %s", c.dev.restartAfter)
			if c.dev.noRestart {
				after = "it stays dead (--no-restart)"
			} else {
				time.AfterFunc(c.dev.restartAfter, func() { restart <- d.index })
			}
			c.say("broker %d (pid %d) died: %s; %s", d.index+1, h.cmd.Process.Pid, d.state, after)
			if !c.anyAlive() && c.dev.noRestart {
				return errors.New("all brokers died")
			}
		case i := <-restart:
			if err := c.start(i); err != nil {
				return err
			}
			c.say("broker %d started again, pid %d", i+1, c.hands[i].cmd.Process.Pid)
		case <-ctx.Done():
			c.say("stopping; Ctrl-C again stops at once")
			c.stop()
			return nil
		}
	}
}

func (c *crew) welcome(leader int32) {
	pids := make([]int, len(c.hands))
	kill := 0
	for i, h := range c.hands {
		pids[i] = h.cmd.Process.Pid
		if int32(i+1) == leader {
			kill = pids[i]
		}
	}
	c.print.Lock()
	defer c.print.Unlock()
	c.app.welcome(c.dev, pids, kill)
}

func (c *crew) anyAlive() bool {
	for _, h := range c.hands {
		if h != nil && h.alive {
			return true
		}
	}
	return false
}

// stop asks the brokers to stop, one after the other: if all were asked at once, they would hand their leaderships back and
// forth. One that takes long is not waited for before the next.
func (c *crew) stop() {
	for i := len(c.hands) - 1; i >= 0; i-- {
		h := c.hands[i]
		if h == nil || !h.alive {
			continue
		}
		h.cmd.Process.Signal(syscall.SIGTERM) // an error means that it ended by itself
		for long := time.After(stopPatience); h.alive; {
			select {
			case d := <-c.gone:
				c.hands[d.index].alive = false
				continue
			case <-long:
			}
			break
		}
	}
	for c.anyAlive() {
		d := <-c.gone
		c.hands[d.index].alive = false
	}
}

// close ends what is left at once.
func (c *crew) close() {
	for _, h := range c.hands {
		if h != nil && h.alive {
			h.cmd.Process.Kill() // an error means that it ended by itself
		}
	}
	for c.anyAlive() {
		d := <-c.gone
		c.hands[d.index].alive = false
	}
	for _, h := range c.hands {
		if h != nil {
			h.stdin.Close() // nobody reads it any more
		}
	}
	close(c.keeper)
}
