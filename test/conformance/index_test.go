// Package conformance_test checks that the index follows the matching rules for all names of
// a corpus of real lists, and that an import decides correctly about broken lists.
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
	"github.com/resolverwatch/resolverwatch/pkg/reach"
	"github.com/resolverwatch/resolverwatch/test/conformance/oracle"
)

// unlisted is the number of unlisted names to look up.
const unlisted = 1_000_000

// maxReported is the maximum number of reported differences. It keeps the output readable if
// the index is broken.
const maxReported = 20

// TestIndex_corpus adds every name of the corpus under the feeds that list it, with scopes,
// ratings and allow entries that depend on a hash of the name. For every listed name and for
// a name under it, the index must give exactly the answer of the oracle. Names that are not
// listed must be clean.
func TestIndex_corpus(t *testing.T) {
	root := os.Getenv("RESOLVERWATCH_CORPUS")
	if root == "" {
		t.Skip("set RESOLVERWATCH_CORPUS to a folder with real lists in data/load/*.gz")
	}
	c := newCheck(t)
	c.readLists(filepath.Join(root, "data", "load", "*.gz"))
	c.build()
	c.checkListed()
	c.checkUnlisted()
	if c.wrong > 0 {
		t.Errorf("got %d wrong answers", c.wrong)
	}
}

// check holds the index under test and the oracle.
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
			c.addLine(feed, lines.Text())
		}
		if err := lines.Err(); err != nil {
			c.t.Fatalf("%s: %v", path, err)
		}
		file.Close()
	}
}

// addLine adds the name in a line of a plain or hosts list. The name is the last word.
func (c *check) addLine(feed indicator.FeedID, text string) {
	words := strings.Fields(text)
	if len(words) == 0 || len(words) > 2 || strings.HasPrefix(text, "#") {
		return
	}
	name, err := domainname.Parse(words[len(words)-1])
	if err != nil {
		return
	}
	hash := xxh3.HashString(string(feed) + " " + name.String())
	take := func(bound uint64) uint64 { // takes a number below bound from the hash
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
	case 0: // the feed itself allows the name
		c.add(feed, i)
	case 1: // the allow feed allows the name
		c.add(allowFeed, i)
	case 2: // the allow feed allows the parent
		_, text, _ := strings.Cut(name.String(), ".")
		if parent, err := domainname.Parse(text); err == nil && strings.Contains(parent.String(), ".") {
			i.Name = parent
			c.add(allowFeed, i)
		}
	case 3: // the feed itself allows a name below
		if below, err := domainname.Parse(below(name.String())); err == nil {
			i.Name = below
			c.add(feed, i)
		}
	}
}

// below returns the name under a listed name that is looked up.
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
	if err := c.index.SelfCheck(info.Names, reach.DefaultBounds()); err != nil {
		c.t.Error(err)
	}
	c.t.Logf("%d entries in %d feeds on %d names, %d groups; seed %d", c.entries, len(info.Feeds), info.Names, info.Groups, info.Seed)
	c.t.Logf("%d bytes, %.2f per name; built in %v", info.Bytes, float64(info.Bytes)/float64(info.Names), built.Round(time.Millisecond))
}

// checkListed looks up every listed name and a name below it.
func (c *check) checkListed() {
	outcomes := map[index.Outcome]int{}
	wrong := c.wrong
	count := 0
	for name := range c.slow.Names {
		for _, text := range []string{name, below(name)} {
			if c.query.Set([]byte(text)) != nil {
				continue // the longest names cannot have names below them
			}
			outcomes[c.compare()]++
			count++
		}
	}
	c.t.Logf("%d listed names and names under them: %d malicious, %d allowed, %d out of scope; %d wrong",
		count, outcomes[index.Malicious], outcomes[index.Allowed], outcomes[index.None], c.wrong-wrong)
	if outcomes[index.Malicious] == 0 || outcomes[index.Allowed] == 0 || outcomes[index.None] == 0 {
		c.t.Error("the entries do not give all outcomes")
	}
}

// compare looks up the query in the index and in the oracle.
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

// checkUnlisted looks up names that are similar to listed names but not listed.
func (c *check) checkUnlisted() {
	wrong := c.wrong
	count := 0
	for name := range c.slow.Names {
		for _, text := range neighbours(name) {
			if count == unlisted {
				break
			}
			if c.query.Set([]byte(text)) != nil || c.slow.Lists(text) {
				continue
			}
			count++
			if c.index.Match(&c.query, &c.match) || c.match.AllowCovered {
				c.report("%s is not listed: got %v by %s", text, c.match.Outcome, c.match.Indicator)
			}
		}
	}
	c.t.Logf("%d names that are not listed: %d not clean", count, c.wrong-wrong)
	if count < unlisted {
		c.t.Errorf("found only %d unlisted names", count)
	}
}

// neighbours returns names that are similar to a listed name.
func neighbours(name string) []string {
	first, rest, _ := strings.Cut(name, ".")
	_, parent, _ := strings.Cut(rest, ".")
	return []string{
		"not" + name, first + "0." + rest, name + ".example", first[1:] + "z." + rest, "no." + first + "-." + rest, parent,
	}
}
