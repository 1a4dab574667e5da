package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// procUse is what a process has used since it began.
type procUse struct {
	pid int
	cpu time.Duration
	rss int64 // the most memory it ever had resident, bytes
}

// userHz is the unit of /proc/PID/stat's times, fixed by Linux's ABI for user space.
const userHz = 100

// readProcs reads /proc for each process; pid 0 is this one's own parent of nothing and refused.
func readProcs(pids []int) ([]procUse, error) {
	var out []procUse
	for _, pid := range pids {
		u, err := readProc(pid)
		if err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, nil
}

func readProc(pid int) (procUse, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return procUse{}, fmt.Errorf("--pids %d: %w; give the brokers' process ids (needs Linux)", pid, err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return procUse{}, fmt.Errorf("--pids %d: %w", pid, err)
	}
	u := procUse{pid: pid}
	if u.cpu, err = statCPU(stat); err != nil {
		return u, fmt.Errorf("--pids %d: %w", pid, err)
	}
	u.rss = statusPeak(status)
	return u, nil
}

// statCPU adds utime and stime, fields 14 and 15 of proc(5)'s stat; the command in field 2 may hold anything but is
// closed by the last parenthesis.
func statCPU(stat []byte) (time.Duration, error) {
	i := bytes.LastIndexByte(stat, ')')
	fields := bytes.Fields(stat[i+1:])
	if i < 0 || len(fields) < 13 {
		return 0, fmt.Errorf("stat has %d fields after the command, want 13 or more", len(fields))
	}
	user, err1 := strconv.ParseInt(string(fields[11]), 10, 64)
	sys, err2 := strconv.ParseInt(string(fields[12]), 10, 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("stat's times %q %q are no numbers", fields[11], fields[12])
	}
	return time.Duration(user+sys) * (time.Second / userHz), nil
}

// statusPeak is VmHWM of proc(5)'s status in bytes; 0 for a process without memory of its own.
func statusPeak(status []byte) int64 {
	for _, l := range bytes.Split(status, []byte("\n")) {
		if rest, ok := bytes.CutPrefix(l, []byte("VmHWM:")); ok {
			f := bytes.Fields(rest)
			if len(f) > 0 {
				kib, _ := strconv.ParseInt(string(f[0]), 10, 64)
				return kib << 10
			}
		}
	}
	return 0
}

// ownCPU is the processor time this process has used.
func ownCPU() time.Duration {
	var ru syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ru); err != nil {
		return 0
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}
