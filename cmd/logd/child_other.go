//go:build !linux

package main

import "syscall"

// childAttr puts a broker into a process group of its own, so that Ctrl-C reaches dev alone. That dev is gone it sees by the
// pipe.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
