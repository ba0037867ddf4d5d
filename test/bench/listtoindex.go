package main

import (
	"bytes"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

const (
	listNames = 1_000_000
	// goalListToIndex is how many times as long as a sort of its names a list may take to
	// become an index.
	goalListToIndex = 1.9
	listRounds      = 5
)

// benchListToIndex measures the way of a plain list to an index, as the commands take it. For
// comparison it sorts the names, which any way has to do.
func benchListToIndex(r *report, names *indexCorpus) (err error) {
	listed := names.list[:min(len(names.list), listNames)]
	text := []byte(strings.Join(listed, "\n") + "\n")
	var builds, sorts []float64
	for range listRounds {
		runtime.GC()
		builds = append(builds, cpuSeconds(func() { _, err = listsToIndex(bytes.NewReader(text)) }))
		if err != nil {
			return err
		}
		// The names are shuffled, because lists are sorted in other ways or not at all.
		shuffled := slices.Clone(listed)
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) {
			shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
		})
		sorts = append(sorts, cpuSeconds(func() { slices.Sort(shuffled) }))
	}
	r.info("list of names", float64(len(listed)), "")
	r.info("list to index", median(builds), "s")
	r.atMost("list to index / sort of the names", median(builds)/median(sorts), "x", goalListToIndex)
	return nil
}

// listsToIndex builds an index of lists, each of which is a feed, with the guards of the command.
func listsToIndex(lists ...io.Reader) ([]byte, error) {
	builder := index.NewBuilder()
	for number, text := range lists {
		feed := indexFeed(number)
		builder.Feed(feed, false)
		names, err := builder.FeedNames(feed)
		if err != nil {
			return nil, err
		}
		guards := list.Guards{Guards: settings.DefaultGuards()}
		if _, err := list.Stream(text, list.Options{}, guards, list.Hooks{}, names, names.Add); err != nil {
			return nil, err
		}
	}
	return builder.Build(index.Options{Generation: 1, Seed: 42})
}
