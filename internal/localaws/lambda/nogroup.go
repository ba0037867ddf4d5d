//go:build !unix

package lambda

import "os/exec"

// setProcessGroup does nothing on systems without process groups.
func setProcessGroup(*exec.Cmd) {}
