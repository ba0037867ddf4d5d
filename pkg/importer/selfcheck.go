package importer

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

const (
	// checkedHits is at least how many of the entries are looked up, where there are as
	// many, and checkedMisses how many names that nobody lists.
	checkedHits   = 1_000
	checkedMisses = 1_000
	// missSuffix is the zone of names that nobody lists (RFC 6761 section 6.4).
	missSuffix = "selfcheck.invalid"
)

// canaries are names whose match would be a disaster. The root and a top-level domain
// are among them: one entry too short once marked the whole Web.
const canaries = ". com net org arpa amazonaws.com google.com microsoft.com"

// selfCheck watches what goes into an index and then asks the index about it. It is the
// last look before the pointer moves: [index.Index.SelfCheck] tells whether the index is
// whole, and this whether it is the right one.
type selfCheck struct {
	sample []indicator.Indicator // every stride-th entry
	stride int
	seen   int
	// watched are the canaries and all above them; covering are block entries on one.
	watched  map[string]bool
	covering []indicator.Indicator
}

func newSelfCheck() *selfCheck {
	c := &selfCheck{stride: 1, watched: map[string]bool{}}
	for _, name := range append(strings.Fields(canaries), missSuffix) {
		c.watched[name] = true
		for above := range ancestors(name) {
			c.watched[above] = true
		}
	}
	return c
}

// note remembers what the check needs of an entry that goes into the index.
func (c *selfCheck) note(entry *indicator.Indicator) {
	if entry.Action != indicator.ActionBlock {
		return
	}
	if entry.Scope != indicator.ScopeCIDR && c.watched[entry.Name.String()] {
		c.covering = append(c.covering, *entry)
	}
	if c.seen++; c.seen%c.stride != 0 {
		return
	}
	if c.sample = append(c.sample, *entry); len(c.sample) == 2*checkedHits {
		for i := range checkedHits {
			c.sample[i] = c.sample[2*i+1]
		}
		c.sample = c.sample[:checkedHits]
		c.stride *= 2
	}
}

// VerifyIndex opens an index file and asks it about its own entries, names that nobody
// lists and canaries, as a publish does before it moves the pointer.
func VerifyIndex(data []byte) (*index.Index, error) {
	opened, err := index.Open(data)
	if err != nil {
		return nil, err
	}
	check := newSelfCheck()
	for stored, err := range opened.All() {
		if err != nil {
			return nil, err
		}
		check.note(&stored.Indicator)
	}
	_, err = check.run(data)
	return opened, err
}

// run opens the index as a transformer does and looks up entries, names that nobody
// lists, and canaries.
func (c *selfCheck) run(data []byte) (index.Info, error) {
	opened, err := index.Open(data)
	if err == nil {
		err = opened.SelfCheck(checkedHits, index.Canaries()...)
	}
	if err != nil {
		return index.Info{}, err
	}
	look := lookUp{index: opened}
	var problems []error
	for i := range c.sample {
		if entry := &c.sample[i]; !look.finds(entry) {
			problems = append(problems, fmt.Errorf("entry %q (%v) is not found", entry.Value(), entry.Scope))
		}
	}
	for range checkedMisses {
		problems = append(problems, c.checkCanary(&look, strings.ToLower(rand.Text())+"."+missSuffix))
	}
	for _, name := range strings.Fields(canaries) {
		problems = append(problems, c.checkCanary(&look, name))
	}
	return opened.Info(), errors.Join(problems...)
}

// checkCanary makes sure that a name is a hit exactly if it is listed. Only own edits
// can list a canary, since no guard speaks about them.
func (c *selfCheck) checkCanary(look *lookUp, name string) error {
	listed := false
	for i := range c.covering {
		listed = listed || covers(&c.covering[i], name)
	}
	if found := look.name(name); found != listed {
		return fmt.Errorf("canary %q: found is %v, listed is %v", name, found, listed)
	}
	return nil
}

// marksCanary reports whether an entry marks what no transformer lets an index mark.
func marksCanary(entry *indicator.Indicator) bool {
	return entry.Action == indicator.ActionBlock && entry.Scope != indicator.ScopeCIDR &&
		slices.ContainsFunc(index.Canaries(), func(name string) bool { return covers(entry, name) })
}

// covers reports whether an entry reaches a name, the slow and certain way.
func covers(entry *indicator.Indicator, name string) bool {
	if own := entry.Name.String(); own != name {
		return strings.HasSuffix(name, "."+own) && entry.Scope.Covers(1)
	}
	return entry.Scope.Covers(0)
}

// lookUp asks an index. Vetoed is found too.
type lookUp struct {
	index *index.Index
	query domainname.Query
	match index.Match
}

func (l *lookUp) finds(entry *indicator.Indicator) bool {
	switch entry.Scope {
	case indicator.ScopeCIDR:
		return l.index.MatchAddr(entry.Block.Addr(), &l.match)
	case indicator.ScopeUnder:
		below := "a." + entry.Name.String()
		// Under a name of full length there is no name to ask for.
		return l.query.Set([]byte(below)) != nil || l.index.Match(&l.query, &l.match)
	default:
		return l.name(entry.Name.String())
	}
}

func (l *lookUp) name(name string) bool {
	return l.query.Set([]byte(name)) == nil && l.index.Match(&l.query, &l.match)
}
