// Command kernels proves that several CDK apps can start at once on a machine where the
// jsii runtime has not unpacked its libraries yet, as test binaries do on a fresh machine:
//
//	go run ./test/kernels -rounds 10
//
// In each round it starts kernels twice, each time with an empty cache: all together, and
// staggered over the time that unpacking takes. A kernel that does not synthesize its stack
// has died; the command prints its last lines and exits with code 1.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("kernels: ")
	if out := os.Getenv(kernelOut); out != "" {
		if err := synthesize(out); err != nil {
			log.Fatal(err)
		}
		return
	}
	kernels := flag.Int("kernels", 6, "how many kernels start in a round")
	rounds := flag.Int("rounds", 10, "how many rounds to run")
	flag.Parse()
	if flag.NArg() > 0 || *kernels < 2 || *rounds < 1 {
		flag.Usage()
		os.Exit(2)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *kernels, *rounds)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

// run runs the rounds and returns an error if a kernel died in any of them.
func run(ctx context.Context, kernels, rounds int) error {
	start := time.Now()
	unpacking, err := measure(ctx)
	if err != nil {
		return err
	}

	started, died := 0, 0
	for round := range rounds {
		for _, kind := range []struct {
			name    string
			offsets []time.Duration
		}{
			{"together", make([]time.Duration, kernels)},
			{"staggered", stagger(kernels, unpacking, float64(round)/float64(rounds))},
		} {
			roundStart := time.Now()
			deaths, err := runRound(ctx, kind.offsets)
			if err != nil {
				return err
			}
			started += kernels
			died += len(deaths)
			fmt.Printf("round %2d, %-9s  %d kernels, %d died, %4.1f s\n",
				round+1, kind.name, kernels, len(deaths), time.Since(roundStart).Seconds())
			for _, death := range deaths {
				fmt.Println(death)
			}
		}
	}

	fmt.Printf("%d kernels started on a cold cache, %d died, %.0f s\n", started, died, time.Since(start).Seconds())
	if died > 0 {
		return errors.New("kernels that start at once on a cold cache die")
	}
	return nil
}

// measure returns how long one kernel alone takes to unpack the libraries: the time of a
// start on a cold cache less that of a start on a warm one.
func measure(ctx context.Context) (time.Duration, error) {
	room, err := newRoom()
	if err != nil {
		return 0, err
	}
	defer room.remove()
	var took [2]time.Duration
	for i := range took {
		start := time.Now()
		if death := room.runKernel(ctx, i); death != nil {
			return 0, fmt.Errorf("a kernel died although it was alone: %s", death)
		}
		took[i] = time.Since(start)
	}
	if err := room.used(); err != nil {
		return 0, err
	}
	cold, warm := took[0], took[1]
	unpacking := max(cold-warm, time.Second)
	fmt.Printf("one kernel alone: %.1f s on a cold cache, %.1f s on a warm one\n", cold.Seconds(), warm.Seconds())
	return unpacking, nil
}

// stagger spreads the starts of kernels evenly over a time. Phase, from 0 to 1, moves all
// but the first start by a part of the distance between two, so that rounds differ.
func stagger(kernels int, over time.Duration, phase float64) []time.Duration {
	offsets := make([]time.Duration, kernels)
	for i := 1; i < kernels; i++ {
		offsets[i] = time.Duration(float64(over) * (float64(i-1) + phase) / float64(kernels-1))
	}
	return offsets
}
