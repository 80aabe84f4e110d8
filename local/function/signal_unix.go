//go:build unix

package function

import (
	"os"
	"syscall"
)

type signal = syscall.Signal

const (
	terminate = syscall.SIGTERM
	kill      = syscall.SIGKILL
	freeze    = syscall.SIGSTOP
	thaw      = syscall.SIGCONT
)

// sendSignal reaches the process and everything it started. What is frozen is thawed before it can hear SIGTERM.
func sendSignal(p *os.Process, s signal) {
	syscall.Kill(-p.Pid, s) // ESRCH: it ended a moment ago
	if s == terminate {
		syscall.Kill(-p.Pid, thaw)
	}
}

func executable(info os.FileInfo) bool { return info.Mode()&0o111 != 0 }
