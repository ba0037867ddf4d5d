//go:build unix

package lambda

import (
	"os/exec"
	"syscall"
)

// setProcessGroup puts the process into its own group, so that Ctrl-C in the terminal does not
// reach it. The parent stops it after delivering the remaining records.
func setProcessGroup(process *exec.Cmd) { process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
