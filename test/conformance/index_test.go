// Package conformance_test holds the index to the rules of matching on all names of
// a corpus of real lists.
package conformance_test

import (
	"bufio"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/test/conformance/oracle"
)

// unlisted is how many names that are on no list are asked for.
const unlisted = 1_000_000

// maxReported keeps the output of a broken index readable.
const maxReported = 20

// TestIndex_corpus lists every name of the corpus in the feeds that have it, with
// scopes, ratings and allow entries that follow from its hash. Then the answer for
// every listed name and for a name under it must be that of the oracle, in all its
// parts, and names that are not listed must be clean.
func TestIndex_corpus(t *testing.T) {
	root := os.Getenv("RESOLVERWATCH_CORPUS")
	if root == "" {
		t.Skip("set RESOLVERWATCH_CORPUS to a folder with real lists in data/load/*.gz")
	}
	c := newCheck(t)
	c.readLists(filepath.Join(root, "data", "load", "*.gz"))
	c.build()
	c.listed()
	c.notListed()
	if c.wrong > 0 {
		t.Errorf("%d wrong answers", c.wrong)
	}
}

// check is the index under test and what it is tested against.
type check struct {
	t       *testing.T
	builder *index.Builder
	slow    *oracle.Oracle
	entries int
	index   *index.Index

	query domainname.Query
	match index.Match
	wrong int
}

func newCheck(t *testing.T) *check {
	t.Helper()
	c := &check{t: t, builder: index.NewBuilder(), slow: oracle.New()}
	c.feed(allowFeed, true)
	return c
}

// allowFeed vetoes every feed.
const allowFeed = "allowed"

func (c *check) feed(id indicator.FeedID, vetoesAll bool) {
	c.builder.Feed(id, vetoesAll)
	c.slow.Feed(id, vetoesAll)
}

func (c *check) add(feed indicator.FeedID, i indicator.Indicator) {
	if err := c.builder.Add(feed, &i); err != nil {
		c.t.Fatal(err)
	}
	c.slow.Add(feed, i)
	c.entries++
}

func (c *check) readLists(pattern string) {
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		c.t.Fatalf("no lists at %s", pattern)
	}
	for _, path := range paths {
		id, _, _ := strings.Cut(filepath.Base(path), ".")
		feed, err := indicator.NewFeedID(id)
		if err != nil {
			c.t.Fatal(err)
		}
		c.feed(feed, false)
		file, err := os.Open(path)
		if err != nil {
			c.t.Fatal(err)
		}
		plain, err := gzip.NewReader(file)
		if err != nil {
			c.t.Fatalf("%s: %v", path, err)
		}
		lines := bufio.NewScanner(plain)
		for lines.Scan() {
			c.line(feed, lines.Text())
		}
		if err := lines.Err(); err != nil {
			c.t.Fatalf("%s: %v", path, err)
		}
		file.Close()
	}
}

// line takes a line of a plain or hosts list, whose last word is the name.
func (c *check) line(feed indicator.FeedID, text string) {
	words := strings.Fields(text)
	if len(words) == 0 || len(words) > 2 || strings.HasPrefix(text, "#") {
		return
	}
	name, err := domainname.Parse(words[len(words)-1])
	if err != nil {
		return
	}
	hash := xxh3.HashString(string(feed) + " " + name.String())
	take := func(bound uint64) uint64 { // the next number below bound out of the hash
		number := hash % bound
		hash /= bound
		return number
	}
	i := indicator.Indicator{
		Name:       name,
		Action:     indicator.ActionBlock,
		Scope:      []indicator.Scope{indicator.ScopeName, indicator.ScopeSubtree, indicator.ScopeUnder}[take(3)],
		Severity:   indicator.Severity(1 + take(4)),
		Confidence: indicator.Confidence(25 * take(5)),
		Category:   []indicator.Category{"", "malware", "phishing"}[take(3)],
	}
	c.add(feed, i)
	i.Action = indicator.ActionAllow
	switch take(200) {
	case 0: // the feed takes it back
		c.add(feed, i)
	case 1:
		c.add(allowFeed, i)
	case 2: // of a name, all that is over it
		_, text, _ := strings.Cut(name.String(), ".")
		if parent, err := domainname.Parse(text); err == nil && parent.Labels() > 1 {
			i.Name = parent
			c.add(allowFeed, i)
		}
	case 3: // a name below it
		if below, err := domainname.Parse(below(name.String())); err == nil {
			i.Name = below
			c.add(feed, i)
		}
	}
}

// below returns the name under a listed one that is asked for.
func below(name string) string { return "www." + name }

func (c *check) build() {
	start := time.Now()
	file, err := c.builder.Build(index.Options{Generation: 1})
	if err != nil {
		c.t.Fatal(err)
	}
	built := time.Since(start)
	if c.index, err = index.Open(file); err != nil {
		c.t.Fatal(err)
	}
	info := c.index.Info()
	if err := c.index.SelfCheck(info.Names); err != nil {
		c.t.Error(err)
	}
	c.t.Logf("%d entries of %d feeds on %d names, %d groups; seed %d", c.entries, len(info.Feeds), info.Names, info.Groups, info.Seed)
	c.t.Logf("%d bytes, %.2f a name; built in %v", info.Bytes, float64(info.Bytes)/float64(info.Names), built.Round(time.Millisecond))
}

// listed asks for every listed name and one below it.
func (c *check) listed() {
	outcomes := map[index.Outcome]int{}
	wrong := c.wrong
	asked := 0
	for name := range c.slow.Names {
		for _, text := range []string{name, below(name)} {
			if c.query.Set([]byte(text)) != nil {
				continue // under the longest names there is no other
			}
			outcomes[c.compare()]++
			asked++
		}
	}
	c.t.Logf("%d listed names and names under them: %d malicious, %d allowed, %d out of scope; %d wrong",
		asked, outcomes[index.Malicious], outcomes[index.Allowed], outcomes[index.None], c.wrong-wrong)
	if outcomes[index.Malicious] == 0 || outcomes[index.Allowed] == 0 || outcomes[index.None] == 0 {
		c.t.Error("the entries do not exercise all outcomes")
	}
}

// compare looks the query up on both sides.
func (c *check) compare() index.Outcome {
	reported := c.index.Match(&c.query, &c.match)
	want := c.slow.Match(&c.query)
	if !oracle.Equal(&c.match, &want) || reported != (want.Outcome != index.None) {
		c.report("%s: got %v by %s of %v, want %v by %s of %v", c.query.Bytes(),
			c.match.Outcome, c.match.Indicator, c.match.Feeds, want.Outcome, want.Indicator, want.Feeds)
	}
	return want.Outcome
}

func (c *check) report(format string, args ...any) {
	if c.wrong++; c.wrong <= maxReported {
		c.t.Errorf(format, args...)
	}
}

// notListed asks for names that look like listed ones and are not.
func (c *check) notListed() {
	wrong := c.wrong
	asked := 0
	for name := range c.slow.Names {
		for _, text := range neighbours(name) {
			if asked == unlisted {
				break
			}
			if c.query.Set([]byte(text)) != nil || c.slow.Lists(text) {
				continue
			}
			asked++
			if c.index.Match(&c.query, &c.match) || c.match.AllowCovered {
				c.report("%s is not listed: got %v by %s", text, c.match.Outcome, c.match.Indicator)
			}
		}
	}
	c.t.Logf("%d names that are not listed: %d not clean", asked, c.wrong-wrong)
	if asked < unlisted {
		c.t.Errorf("only %d names to ask for", asked)
	}
}

// neighbours returns names a little off a listed one.
func neighbours(name string) []string {
	first, rest, _ := strings.Cut(name, ".")
	_, parent, _ := strings.Cut(rest, ".")
	return []string{
		"not" + name, first + "0." + rest, name + ".example", first[1:] + "z." + rest, "no." + first + "-." + rest, parent,
	}
}
