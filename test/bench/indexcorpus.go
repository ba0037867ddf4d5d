package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// indexCorpus holds the names in the index and the names to look up.
type indexCorpus struct {
	list    []string // distinct listed names, in the order of their lists
	feeds   []uint8  // a bit for each list that contains the name
	popular []string // names that many people ask for
	random  *rand.Rand
}

type indexMix struct {
	name    string
	queries []string
	hits    bool
	goal    float64 // times faster than the map; for mixes without hits
}

// indexNames reads the corpus in RESOLVERWATCH_CORPUS, or generates one of its size.
func indexNames(r *report) (*indexCorpus, error) {
	c := &indexCorpus{random: rand.New(rand.NewPCG(7, 11))}
	root := os.Getenv("RESOLVERWATCH_CORPUS")
	if root == "" {
		c.generate()
		r.info("names, generated (RESOLVERWATCH_CORPUS is not set)", float64(len(c.list)), "")
		return c, nil
	}
	if err := c.read(root); err != nil {
		return nil, fmt.Errorf("reading the corpus: %w", err)
	}
	r.info("names, real ones from RESOLVERWATCH_CORPUS", float64(len(c.list)), "")
	return c, nil
}

func (c *indexCorpus) read(root string) error {
	paths, err := filepath.Glob(filepath.Join(root, "data", "load", "*.gz"))
	if err != nil || len(paths) == 0 {
		return errors.Join(errors.New("no data/load/*.gz"), err)
	}
	places := map[string]int{}
	for feed, path := range paths {
		if err := c.readList(path, feed, places); err != nil {
			return err
		}
	}
	tops, err := filepath.Glob(filepath.Join(root, "data", "feeds", "allow", "TOPLIST-*.json"))
	if err != nil || len(tops) == 0 {
		return errors.Join(errors.New("no data/feeds/allow/TOPLIST-*.json"), err)
	}
	for _, path := range tops {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var top struct{ List []string }
		if err := json.Unmarshal(data, &top); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		c.popular = append(c.popular, top.List...)
	}
	return nil
}

func (c *indexCorpus) readList(path string, feed int, places map[string]int) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	lines := bufio.NewScanner(plain)
	for lines.Scan() {
		// In plain and hosts lists, the name is the last word. Lines without a name are
		// comments.
		words := strings.Fields(lines.Text())
		if len(words) == 0 || len(words) > 2 {
			continue
		}
		name, err := domainname.Parse(words[len(words)-1])
		if err != nil {
			continue
		}
		place, known := places[name.String()]
		if !known {
			place = len(c.list)
			places[name.String()] = place
			c.list, c.feeds = append(c.list, name.String()), append(c.feeds, 0)
		}
		c.feeds[place] |= 1 << feed
	}
	return lines.Err()
}

// generate generates names with the lengths and the shared parents of real lists.
func (c *indexCorpus) generate() {
	const count = 1_650_000
	seen := make(map[string]bool, count)
	for len(c.list) < count {
		name := c.word(4, 14) + "." + c.pick("com", "net", "org", "info", "xyz", "top", "ru", "co.uk")
		switch c.random.IntN(10) {
		case 0, 1, 2:
			name = "www." + name
		case 3:
			name = c.word(3, 12) + "." + c.pick("hosting.example", "pages.example", "cloudfront.net",
				"s3.us-east-1.amazonaws.com", "s3.eu-west-1.amazonaws.com")
		}
		if !seen[name] {
			seen[name] = true
			c.list = append(c.list, name)
			c.feeds = append(c.feeds, uint8(1+c.random.IntN(31))) // any of the five, at least one
		}
	}
	for range 10_000 {
		c.popular = append(c.popular, c.word(3, 9)+"."+c.pick("com", "net", "org", "io", "de"))
	}
}

func (c *indexCorpus) word(shortest, longest int) string {
	const letters = "etaoinshrdlucmfwypvbgkjqxz0123456789-"
	word := make([]byte, shortest+c.random.IntN(longest-shortest+1))
	for i := range word {
		// The product of two draws prefers the first letters, as languages do.
		word[i] = letters[c.random.IntN(c.random.IntN(len(letters)-1)+1)]
	}
	return string(word)
}

func (c *indexCorpus) pick(words ...string) string { return words[c.random.IntN(len(words))] }

func (c *indexCorpus) build() ([]byte, error) {
	b := index.NewBuilder()
	for feed := range 5 {
		b.Feed(indexFeed(feed), false)
	}
	i := indicator.Indicator{
		Scope: indicator.ScopeSubtree, Action: indicator.ActionBlock,
		Severity: indicator.DefaultSeverity, Confidence: indicator.DefaultConfidence,
	}
	var err error
	for n, text := range c.list {
		if i.Name, err = domainname.Parse(text); err != nil {
			return nil, err
		}
		for feed := range 5 {
			if c.feeds[n]>>feed&1 == 0 {
				continue
			}
			if err := b.Add(indexFeed(feed), &i); err != nil {
				return nil, err
			}
		}
	}
	return b.Build(index.Options{Generation: 1, Seed: 42})
}

func indexFeed(number int) indicator.FeedID { return indicator.FeedID(fmt.Sprintf("feed-%d", number)) }

func (c *indexCorpus) peer() *mapPeer {
	p := &mapPeer{groups: make(map[string]uint32, len(c.list)), shallowest: 2}
	for n, name := range c.list {
		p.groups[name] = uint32(c.feeds[n])
		if !strings.Contains(name, ".") {
			p.shallowest = 1
		}
	}
	return p
}

// mixes returns queries of four kinds; three of them are for names that are not listed. The
// random parts are the same in each run.
func (c *indexCorpus) mixes(peer *mapPeer) []indexMix {
	clean := func(one func() string) []string {
		return draw(func() string {
			var q domainname.Query
			for {
				name := one()
				if q.Set([]byte(name)) == nil && !peer.match(&q) {
					return name
				}
			}
		})
	}
	return []indexMix{
		{name: "random names", queries: clean(c.randomName), goal: 4},
		{name: "popular names", queries: clean(c.popularName), goal: 8},
		{name: "AWS-like names", queries: clean(c.awsName), goal: 1.8},
		{name: "hits, half of them below a listed name", queries: draw(c.hit), hits: true},
	}
}

func draw(one func() string) []string {
	queries := make([]string, indexQueries)
	for i := range queries {
		queries[i] = one()
	}
	return queries
}

func (c *indexCorpus) randomName() string {
	name := c.word(5, 14) + "." + c.pick("com", "net", "org", "io", "de", "co.uk", "info")
	for range c.random.IntN(3) {
		name = c.word(2, 9) + "." + name
	}
	return name
}

func (c *indexCorpus) popularName() string {
	return c.pick("", "www.", "api.", "cdn.", "img.static.", "eu-1.edge.") + c.popular[c.random.IntN(len(c.popular))]
}

func (c *indexCorpus) awsName() string {
	region := c.pick("us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-2")
	switch c.random.IntN(5) {
	case 0, 1:
		return c.pick("logs", "monitoring", "sqs", "sts", "ec2", "ssm", "kms", "dynamodb") + "." + region + ".amazonaws.com"
	case 2:
		return c.word(6, 20) + ".s3." + region + ".amazonaws.com"
	case 3:
		return "d" + c.word(12, 13) + ".cloudfront.net"
	default:
		return fmt.Sprintf("ip-10-%d-%d-%d.%s.compute.internal",
			c.random.IntN(256), c.random.IntN(256), c.random.IntN(256), region)
	}
}

func (c *indexCorpus) hit() string {
	name := c.list[c.random.IntN(len(c.list))]
	if c.random.IntN(2) == 0 && len(name) < 230 {
		return c.word(2, 9) + "." + name
	}
	return name
}
