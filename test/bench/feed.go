package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

const (
	feedLinesGoal = 5e6 // lines per second and core
	feedRounds    = 9
	// urlhausGoal is how many times as long as encoding/csv the list of URLhaus may take: it has
	// nine columns, of which six are read.
	urlhausGoal = 1.2
	// feedBytes is the size to which a list is extended by repetition: long enough to time,
	// and too long for the inner caches.
	feedBytes = 16 << 20
)

// feedList is a list to parse, with its file in the corpus.
type feedList struct {
	format feed.Format
	path   string
	text   []byte
}

// benchFeed measures how fast lists are parsed, in lines per second on one core, compared
// with counting their lines and, for tables, with splitting their cells.
func benchFeed(r *report) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	lists, err := feedLists(os.Getenv("RESOLVERWATCH_CORPUS"))
	if err != nil {
		return err
	}
	for _, list := range lists {
		if err := benchFeedList(r, list); err != nil {
			return fmt.Errorf("%s: %w", list.path, err)
		}
	}
	return nil
}

func benchFeedList(r *report, list feedList) (err error) {
	var parsing, counting, splitting []float64
	for range feedRounds {
		parsing = append(parsing, cpuSeconds(func() { err = errors.Join(err, parseFeed(list)) }))
		counting = append(counting, cpuSeconds(func() { countLines(list.text) }))
		if list.format == feed.CSV {
			splitting = append(splitting, cpuSeconds(func() { splitCells(list.text) }))
		}
	}
	if err != nil {
		return err
	}
	lines, size, seconds := float64(bytes.Count(list.text, []byte{'\n'})), float64(len(list.text)), median(parsing)
	name := fmt.Sprintf("parse %s, %s", list.format, filepath.Base(list.path))
	r.atLeast(fmt.Sprintf("%s, %.0f bytes per line", name, size/lines), lines/seconds, "lines/s", feedLinesGoal)
	r.info(name+": bytes", size/seconds/1e6, "MB/s")
	r.info(name+": time over bufio.Scanner", seconds/median(counting), "x")
	if len(splitting) == 0 {
		return nil
	}
	over := name + ": time over encoding/csv alone"
	if strings.HasPrefix(filepath.Base(list.path), "urlhaus") {
		r.atMost(over, seconds/median(splitting), "x", urlhausGoal)
	} else {
		r.info(over, seconds/median(splitting), "x")
	}
	return nil
}

func parseFeed(list feedList) error {
	report, err := feed.Parse(bytes.NewReader(list.text), feed.Options{},
		func(*indicator.Indicator) error { return nil })
	if err == nil && (report.Format != list.format || report.Accepted < report.Entries/4) {
		err = fmt.Errorf("read as %s with %d of %d entries", report.Format, report.Accepted, report.Entries)
	}
	return err
}

// countLines does the minimum that any reader of lines does.
func countLines(text []byte) (n int) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		n++
	}
	return n
}

// splitCells does what encoding/csv needs before a cell can be read.
func splitCells(text []byte) (n int) {
	rows := csv.NewReader(bytes.NewReader(text))
	rows.ReuseRecord = true
	for {
		if _, err := rows.Read(); err != nil {
			return n
		}
		n++
	}
}

// feedLists returns real lists from the corpus, or generated ones if there is no corpus.
func feedLists(corpus string) ([]feedList, error) {
	if corpus == "" {
		return generatedFeeds(), nil
	}
	lists := []feedList{
		{format: feed.Plain, path: "data/load/maltrail-1.16M.txt.gz"},
		{format: feed.Plain, path: "data/feeds/plain/maltrail-apt_kimsuky.txt"},
		{format: feed.Hosts, path: "data/load/redirect.txt.gz"},
		{format: feed.Hosts, path: "data/feeds/hosts/dandelion-bom.txt"},
		{format: feed.Adblock, path: "data/feeds/adblock/dandelion-agh-bom.txt"},
		{format: feed.Adblock, path: "data/feeds/adblock/urlhaus-filter-ag-online.txt"},
		{format: feed.CSV, path: "data/feeds/csv/blackbook.csv"},
		{format: feed.CSV, path: "data/feeds/csv/urlhaus-2500.csv"},
	}
	for i := range lists {
		text, err := readList(filepath.Join(corpus, lists[i].path))
		if err != nil {
			return nil, err
		}
		lists[i].text = lengthen(text)
	}
	return lists, nil
}

// readList reads a list and unzips it, because decompression has a cost and a goal of its
// own.
func readList(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil || filepath.Ext(path) != ".gz" {
		return text, err
	}
	unzip, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("unzipping %s: %w", path, err)
	}
	return io.ReadAll(unzip)
}

func lengthen(text []byte) []byte {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	return bytes.Repeat(text, 1+feedBytes/len(text))
}

// generatedFeeds generates lists with names of realistic length.
func generatedFeeds() []feedList {
	random := rand.New(rand.NewPCG(1, 2))
	texts := map[feed.Format]*bytes.Buffer{
		feed.Plain: {}, feed.Hosts: {}, feed.Adblock: {}, feed.CSV: bytes.NewBufferString("domain,malware,date\n"),
	}
	const names = feedBytes / 24
	for n := range names {
		label := make([]byte, 5+random.IntN(16))
		for i := range label {
			label[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[random.IntN(36)]
		}
		fmt.Fprintf(texts[feed.Plain], "%s.example\n", label)
		fmt.Fprintf(texts[feed.Hosts], "0.0.0.0 %s.example\n", label)
		fmt.Fprintf(texts[feed.Adblock], "||%s.example^\n", label)
		fmt.Fprintf(texts[feed.CSV], "%s.example,loader,2026-01-%02d\n", label, 1+28*n/names)
	}
	var lists []feedList
	for _, format := range []feed.Format{feed.Plain, feed.Hosts, feed.Adblock, feed.CSV} {
		lists = append(lists, feedList{format, "generated", texts[format].Bytes()})
	}
	return lists
}
