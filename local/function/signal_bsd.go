//go:build unix && !linux

package function

import (
	"os/exec"
	"syscall"
)

// attributes put a process into a group of its own, so that it can be signalled as a whole and the terminal's Ctrl-C reaches the desk alone. There is no
// signal for the death of a parent here. A running bootstrap ends when its connection to the runtime API breaks; and because the group stays in the
// desk's session, the system sends SIGHUP and SIGCONT to a frozen one when the desk's death leaves the group orphaned.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// awaitExit returns when the process has ended. It cannot wait without reaping here.
func awaitExit(cmd *exec.Cmd) { cmd.Wait() }

func (p *process) maxRSS() int64 { return 0 }
