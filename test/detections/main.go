// Command detections measures the detections of behaviour on made logs: what they find of
// tunnels, generated names and beacons, and what they find that is none. It prints the tables
// of docs/detections.md, and fails if the counters of scan and a slow count differ.
// `make detections` also compares both with the SQL of the named queries.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/sighting"
	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
	"github.com/resolverwatch/resolverwatch/test/detections/made"
	"github.com/resolverwatch/resolverwatch/test/detections/slow"
)

// docsSeed is the seed of the tables in docs/detections.md.
const docsSeed = 1

// exactNames is the number of names from which scan estimates.
const exactNames = 512

func main() {
	seed := flag.Uint64("seed", docsSeed, "seed of the made logs")
	flag.Parse()
	if err := run(*seed); err != nil {
		fmt.Fprintln(os.Stderr, "detections:", err)
		os.Exit(1)
	}
}

func run(seed uint64) error {
	fleet := made.Fleet(seed)
	fmt.Printf("seed %d: %d records of %d hosts on %s\n", seed, len(fleet.Records), len(fleet.Hosts), made.Day.Format(time.DateOnly))
	if err := compare(fleet.Records); err != nil {
		return err
	}
	fmt.Println("scan and a slow count find the same tunnels and generated names")
	for _, block := range tables(fleet, made.History(seed)) {
		fmt.Printf("\n%s\n\n%s", block.name, block.text)
	}
	return nil
}

// compare counts records as scan does, and returns an error if a slow count finds anything
// else.
func compare(records []slow.Record) error {
	behaviour := sighting.NewBehaviour()
	watcher := behaviour.Watch()
	var scanner resolverlog.Scanner
	for i := range records {
		scanner.Reset(made.Line(&records[i]))
		if !scanner.Next() {
			return fmt.Errorf("reading a made record: %w", scanner.Err())
		}
		watcher.Count(scanner.Object())
	}

	var problems []error
	var tunnels []sighting.Tunnel
	for _, s := range slow.Tunnels(records, slow.DefaultTunnels()) {
		tunnels = append(tunnels, sighting.Tunnel{Host: sighting.Host(s.Host), Registrable: s.Registrable, Day: dayOf(s.Start),
			Names: s.Names, Characters: s.Characters, Exact: s.Names < exactNames})
	}
	found := behaviour.Tunnels()
	slices.SortFunc(found, compareTunnels)
	slices.SortFunc(tunnels, compareTunnels)
	if !slices.EqualFunc(tunnels, found, sameTunnel) {
		problems = append(problems, fmt.Errorf("scan finds %d tunnels, a slow count %d, or with other counts", len(found), len(tunnels)))
	}

	var generated []sighting.Generated
	for _, s := range slow.GeneratedNames(records, slow.DefaultGenerated()) {
		generated = append(generated, sighting.Generated{Host: sighting.Host(s.Host), Day: dayOf(s.Day), Domains: s.Domains,
			WithDigits: s.WithDigits, MeanLength: float64(s.Characters) / float64(s.Domains), Example: s.Example, Exact: true})
	}
	if !slices.Equal(generated, behaviour.Generated()) {
		problems = append(problems, fmt.Errorf("scan finds %d hosts with generated names, a slow count %d, or with other counts",
			len(behaviour.Generated()), len(generated)))
	}
	return errors.Join(problems...)
}

func dayOf(t time.Time) int64 { return t.Unix() / int64(24*time.Hour/time.Second) }
