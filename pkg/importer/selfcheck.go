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
	"github.com/resolverwatch/resolverwatch/pkg/reach"
)

const (
	// checkedHits is how many entries are looked up, at least, if there are that many.
	checkedHits = 1_000
	// checkedMisses is how many names are looked up that are on no list.
	checkedMisses = 1_000
	// missSuffix is the zone of those names (RFC 6761 section 6.4).
	missSuffix = "selfcheck.invalid"
)

// canaries are names that would cause a disaster if they matched by mistake. They include
// the root and top-level domains, because one entry that is a label too short matches a
// whole top-level domain.
const canaries = ". com net org arpa amazonaws.com google.com microsoft.com"

// selfCheck notes entries while an index is built, and then looks them up in the index. It
// is the last check before the pointer moves. [index.Index.SelfCheck] verifies that an
// index is consistent; selfCheck verifies that it contains what it should.
type selfCheck struct {
	sample []indicator.Indicator // every stride-th block entry
	stride int
	seen   int

	watched  map[string]bool       // the canaries and all names above them
	covering []indicator.Indicator // block entries on a watched name
}

func newSelfCheck() *selfCheck {
	c := &selfCheck{stride: 1, watched: map[string]bool{}}
	for _, name := range append(strings.Fields(canaries), missSuffix) {
		for above, more := name, true; more; _, above, more = strings.Cut(above, ".") {
			c.watched[above] = true
		}
	}
	return c
}

// note remembers what the check needs to know about an entry of the index.
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

// forgetBlocks forgets the entries on addresses, because some of them were left out of the
// index. [index.Index.SelfCheck] looks up every block of the index.
func (c *selfCheck) forgetBlocks() {
	c.sample = slices.DeleteFunc(c.sample, func(entry indicator.Indicator) bool { return entry.Scope == indicator.ScopeCIDR })
}

// VerifyIndex checks an index the way a publish does before it moves the pointer. It looks
// up the index's own entries, names that are on no list, and canaries.
func VerifyIndex(opened *index.Index, bounds reach.Bounds) error {
	check := newSelfCheck()
	for stored, err := range opened.All() {
		if err != nil {
			return err
		}
		check.note(&stored.Indicator)
	}
	return check.run(opened, bounds)
}

// run looks up the sampled entries, names that are on no list, and the canaries.
func (c *selfCheck) run(opened *index.Index, bounds reach.Bounds) error {
	if err := opened.SelfCheck(checkedHits, bounds, index.Canaries()...); err != nil {
		return err
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
	return errors.Join(problems...)
}

// checkCanary verifies that a name matches if and only if it is listed. Only manual entries
// can list a canary, because no guard applies to them.
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

// matchesCanary reports whether an entry matches a name that no index may call malicious.
func matchesCanary(entry *indicator.Indicator) bool {
	return entry.Action == indicator.ActionBlock && entry.Scope != indicator.ScopeCIDR &&
		slices.ContainsFunc(index.Canaries(), func(name string) bool { return covers(entry, name) })
}

// covers reports whether an entry matches a name. It is slow but independent of the index.
func covers(entry *indicator.Indicator, name string) bool {
	if own := entry.Name.String(); own != name {
		return strings.HasSuffix(name, "."+own) && entry.Scope.Covers(1)
	}
	return entry.Scope.Covers(0)
}

// lookUp looks up names in an index. A vetoed entry counts as found.
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
		// There is no valid name under a name of the maximum length.
		return l.query.Set([]byte(below)) != nil || l.index.Match(&l.query, &l.match)
	default:
		return l.name(entry.Name.String())
	}
}

func (l *lookUp) name(name string) bool {
	return l.query.Set([]byte(name)) == nil && l.index.Match(&l.query, &l.match)
}
