package main

import (
	"slices"
	"syscall"
	"time"
)

// cpuSeconds returns the processor time that the process uses while f runs. Other work on
// the machine does not count, although it slows memory down.
func cpuSeconds(f func()) float64 {
	start := cpuTime()
	f()
	return (cpuTime() - start).Seconds()
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // RUSAGE_SELF with a valid pointer cannot fail
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
