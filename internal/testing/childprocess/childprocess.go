// Package childprocess ends the processes that tests start.
package childprocess

import (
	"os/exec"
	"strconv"
)

// KillWithParent kills process pid when this process ends, even by SIGKILL or a panic, when no clean-up of ours runs:
// the kernel then closes the pipe that a shell reads from.
func KillWithParent(pid int) error {
	watcher := exec.Command("sh", "-c", `cat; kill -9 "$1"`, "sh", strconv.Itoa(pid))
	if _, err := watcher.StdinPipe(); err != nil {
		return err
	}
	if err := watcher.Start(); err != nil {
		return err
	}
	go watcher.Wait() // keeps the pipe open until this process ends
	return nil
}
