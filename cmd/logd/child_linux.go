package main

import "syscall"

// childAttr puts a broker into a process group of its own, so that Ctrl-C reaches dev alone, and has the kernel kill it when
// the thread that started it ends.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
