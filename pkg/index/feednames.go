package index

import (
	"fmt"
	"slices"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// FeedNames adds the names of one feed to a [Builder] while its list is read, and counts them.
// Until the last call, nothing else may be added to the builder.
type FeedNames struct {
	builder *Builder
	feed    indicator.FeedID
}

// FeedNames returns what adds the names of a declared feed.
func (b *Builder) FeedNames(feed indicator.FeedID) (*FeedNames, error) {
	if err := b.names.sortPending(); err != nil { // those of other feeds
		return nil, fmt.Errorf("adding feed %q: %w", feed, err)
	}
	return &FeedNames{b, feed}, nil
}

// Add adds an entry on a name, as [Builder.Add] does.
func (f *FeedNames) Add(i *indicator.Indicator) error { return f.builder.Add(f.feed, i) }

// Sort sorts the entries and returns how many are left if those with the same [indicator.Key]
// are merged.
func (f *FeedNames) Sort() (entries int, err error) {
	names := &f.builder.names
	if names.count == 0 {
		return 0, nil
	}
	if err := names.sortPending(); err != nil {
		return 0, fmt.Errorf("adding feed %q: %w", f.feed, err)
	}
	return names.runs[len(names.runs)-1].different(), nil
}

// TakeBack removes the entries from the builder and calls take for each of them. Sort must not
// have been called.
func (f *FeedNames) TakeBack(take func(*indicator.Indicator) error) error {
	names := &f.builder.names
	var text []byte
	for i := range names.count {
		key, e := names.at(i)
		text = appendText(text[:0], names.arena.key(key))
		name, err := domainname.Parse(string(text))
		if err != nil {
			return fmt.Errorf("taking back %q of feed %q: %w", text, f.feed, err)
		}
		err = take(&indicator.Indicator{
			Name:       name,
			Scope:      e.scope(),
			Action:     e.action(),
			Severity:   e.severity(),
			Confidence: e.confidence(),
			Category:   f.builder.categories[e.category()],
		})
		if err != nil {
			return err
		}
	}
	names.clearPending()
	return nil
}

// different returns how many entries of the run have different names or keys.
func (r *run) different() (count int) {
	var keys []uint64
	for start := 0; start < len(r.keys); {
		end := start + 1
		for end < len(r.keys) && r.keys[end] == r.keys[start] {
			end++
		}
		count++
		if end-start > 1 {
			keys = keys[:0]
			for _, e := range r.entries[start:end] {
				keys = append(keys, e.key())
			}
			slices.Sort(keys)
			count += len(slices.Compact(keys)) - 1
		}
		start = end
	}
	return count
}
