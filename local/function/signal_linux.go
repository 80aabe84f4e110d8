package function

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes put a process into a group of its own, so that it can be signalled as a whole and the terminal's Ctrl-C reaches the desk alone, and have it
// killed, frozen or not, when the desk dies.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitExit returns when the process has ended, and leaves it a zombie.
func awaitExit(cmd *exec.Cmd) {
	for unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
}

// maxRSS is the process's peak resident set, in bytes.
func (p *process) maxRSS() int64 {
	if p.cmd == nil {
		return 0
	}
	if state := p.cmd.ProcessState; !p.alive() && state != nil {
		if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
			return usage.Maxrss << 10
		}
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kilobytes, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes << 10
}
