//go:build unix

package lambda

import (
	"os/exec"
	"syscall"
)

// separate keeps the terminal's interrupt from the process: the parent decides when
// it ends, after what it still has to deliver.
func separate(process *exec.Cmd) { process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
