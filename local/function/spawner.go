package function

import (
	"os/exec"
	"runtime"
)

// spawner starts all processes of a service from one operating-system thread.
//
// On Linux a child can ask to be killed when its parent dies, but "parent" there means the thread that made it: a goroutine may be moved to another
// thread and its first one may end at any time, which would kill the child of a desk that is alive and well. So one goroutine keeps one thread as long as
// there are processes.
type spawner struct {
	commands chan spawn
}

type spawn struct {
	cmd    *exec.Cmd
	result chan error
}

func newSpawner() *spawner {
	s := &spawner{commands: make(chan spawn)}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		for c := range s.commands {
			c.result <- c.cmd.Start()
		}
	}()
	return s
}

func (s *spawner) start(cmd *exec.Cmd) error {
	c := spawn{cmd, make(chan error, 1)}
	s.commands <- c
	return <-c.result
}

// close lets the thread go. Every process must have ended.
func (s *spawner) close() { close(s.commands) }
