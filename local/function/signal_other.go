//go:build !unix

package function

import (
	"os"
	"os/exec"
	"syscall"
)

type signal int

const (
	terminate signal = iota
	kill
	freeze
	thaw
)

func attributes() *syscall.SysProcAttr { return nil }

// sendSignal knows only how to end a process here.
func sendSignal(p *os.Process, s signal) {
	if s == terminate || s == kill {
		p.Kill()
	}
}

func awaitExit(cmd *exec.Cmd) { cmd.Wait() }

func executable(os.FileInfo) bool { return true }

func (p *process) maxRSS() int64 { return 0 }
