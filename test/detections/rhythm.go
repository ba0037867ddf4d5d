package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/resolverwatch/resolverwatch/test/detections/made"
	"github.com/resolverwatch/resolverwatch/test/detections/slow"
)

func beacons(log *made.Log) string {
	var head, rows []string
	for _, cache := range made.BeaconPaces {
		for _, jitter := range made.Jitters {
			head = append(head, cache+", "+made.JitterName(jitter))
		}
	}
	for _, rule := range []struct {
		name   string
		change func(*slow.BeaconRule)
	}{
		{"spread 20, 2 hosts", func(r *slow.BeaconRule) { r.Spread = 20 }},
		{"**spread 60, 2 hosts** (default)", func(*slow.BeaconRule) {}},
		{"spread 60, any number of hosts", func(r *slow.BeaconRule) { r.Hosts = math.MaxInt }},
	} {
		changed := slow.DefaultBeacons()
		rule.change(&changed)
		counts, wrong := map[string]int{}, 0
		for _, row := range slow.Beacons(log.Records, changed) {
			if kind := log.Hosts[row.Host]; kind.What == made.Beacon && strings.HasPrefix(row.Name, "c2.") {
				counts[kind.Pace+", "+kind.Name]++
			} else {
				wrong++
			}
		}
		row := rule.name
		for _, column := range head {
			row += fmt.Sprintf(" | %d of %d", counts[column], len(made.BeaconPeriods))
		}
		rows = append(rows, fmt.Sprintf("%s | %d", row, wrong))
	}
	return grid("rule | "+strings.Join(head, " | ")+" | false", rows...)
}

func firstSeen(log *made.Log) string {
	var rows []string
	for _, hosts := range []int{1, 2, math.MaxInt} {
		name := "1 host"
		switch hosts {
		case 2:
			name = "**at most 2 hosts** (default)"
		case math.MaxInt:
			name = "any number of hosts"
		}
		found, implant := slow.FirstSeen(log.Records, slow.FirstRule{From: made.Day, Hosts: hosts}), "missed"
		for _, row := range found {
			if row.Registrable == made.Implant {
				implant = "found"
			}
		}
		rows = append(rows, fmt.Sprintf("%s | %s | %d", name, implant, len(found)))
	}
	return grid("rule | the domain of the implant | rows", rows...)
}
