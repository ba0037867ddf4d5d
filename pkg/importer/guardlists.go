package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// isGuardList reports whether a key is a list for the guards, of any kind.
func isGuardList(key string) bool {
	return strings.HasPrefix(key, settings.GuardPrefix) && !strings.HasSuffix(key, "/")
}

// guardSet holds the guards of one run: the thresholds and the user's guard lists in the
// bucket. The lists are found at the start of a run and read when a feed needs them.
type guardSet struct {
	lists    Lists
	base     *list.Guards     // without the user's lists
	maxBytes int              // of an index
	objects  []storage.Object // sorted by key, with their versions
	loaded   *list.Guards     // with the user's lists; nil until they are read
}

// findGuards looks for the user's guard lists.
func findGuards(ctx context.Context, lists Lists, base *list.Guards, maxBytes int) (*guardSet, error) {
	listed, err := lists.List(ctx, settings.GuardPrefix)
	if err != nil {
		return nil, fmt.Errorf("listing %q: %w", settings.GuardPrefix, err)
	}

	set := &guardSet{lists: lists, base: base, maxBytes: maxBytes}
	for _, object := range listed {
		if !isGuardList(object.Key) {
			continue
		}
		found, err := lists.Head(ctx, object.Key)
		switch {
		case errors.Is(err, storage.ErrNotFound): // it was deleted after the listing
		case err != nil:
			return nil, fmt.Errorf("looking at %q: %w", object.Key, err)
		default:
			set.objects = append(set.objects, found)
		}
	}
	slices.SortFunc(set.objects, func(a, b storage.Object) int { return strings.Compare(a.Key, b.Key) })
	return set, nil
}

// readFingerprint identifies everything that decides which entries of a list are dropped.
// When it changes, accepted lists are read again.
func (s *guardSet) readFingerprint() string {
	var words []string
	for _, object := range s.objects {
		words = append(words, object.Key, object.Version)
	}
	return s.base.Fingerprint(words...)
}

// refusalFingerprint identifies everything that a refusal depends on, apart from the list
// itself and the accepted list. When it changes, refused lists are checked again.
func (s *guardSet) refusalFingerprint() string {
	return s.readFingerprint() + fmt.Sprint(s.base.Guards, s.base.Memory, s.maxBytes)
}

// load returns the guards with the user's lists. If one of these lists cannot be read, load
// returns a refusal, because without it names might be accepted that must not be blocked.
func (s *guardSet) load(ctx context.Context) (list.Guards, *list.Refusal, error) {
	if s.loaded != nil {
		return *s.loaded, nil, nil
	}

	guards := s.base.Clone()
	for _, object := range s.objects {
		body, err := s.lists.Open(ctx, object.Key, object.Version)
		if errors.Is(err, storage.ErrNotFound) {
			return guards, nil, errDecideAgain // it was replaced
		}
		if err != nil {
			return guards, nil, fmt.Errorf("opening %q: %w", object.Key, err)
		}
		err = guards.ReadOwnList(object.Key, body)
		_ = body.Close() // it was only read
		if list.IsBadList(err) {
			return guards, refuseGuardList(object.Key, err), nil
		}
		if err != nil {
			return guards, nil, fmt.Errorf("reading %q: %w", object.Key, err)
		}
	}
	s.loaded = &guards
	return guards, nil, nil
}

// refuseGuardList explains why no list can be accepted until a guard list is corrected.
func refuseGuardList(key string, err error) *list.Refusal {
	return &list.Refusal{
		Code: list.RefusedGuardList,
		What: fmt.Sprintf("the guard list %q cannot be read: %v", key, err),
		Todo: "correct or delete it; then this list is checked again automatically",
	}
}
