package importer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// guardSet is the guards of one run: the thresholds, and the user's own lists as they
// lie in the bucket. The lists are found at once and read when a feed needs them.
type guardSet struct {
	im      *Importer
	objects []Object // sorted by key, with their versions
	guards  *Guards  // with the lists; nil until they are read
}

// findGuards looks which lists for the guards there are.
func (im *Importer) findGuards(ctx context.Context) (*guardSet, error) {
	listed, err := im.lists.List(ctx, GuardPrefix)
	if err != nil {
		return nil, fmt.Errorf("listing %q: %w", GuardPrefix, err)
	}
	set := &guardSet{im: im}
	for _, object := range listed {
		if !isGuardList(object.Key) {
			continue
		}
		found, err := im.lists.Head(ctx, object.Key)
		switch {
		case errors.Is(err, ErrNotFound): // taken away since it was listed
		case err != nil:
			return nil, fmt.Errorf("looking at %q: %w", object.Key, err)
		default:
			set.objects = append(set.objects, found)
		}
	}
	slices.SortFunc(set.objects, func(a, b Object) int { return strings.Compare(a.Key, b.Key) })
	return set, nil
}

// reading identifies all that decides which entries of a list are dropped. When it
// changes, accepted lists are read again.
func (s *guardSet) reading() string {
	g := &s.im.guards
	words := []string{
		coreNames, coreZones, sharedApexes, sharedHosts, customerWildcards, specialBlocks, publicsuffix.List.String(),
		fmt.Sprint(g.own, g.MinPrefixIPv4, g.MinPrefixIPv6, g.TopListRanks),
	}
	for _, object := range s.objects {
		words = append(words, object.Key, object.Version)
	}
	hash := sha256.Sum256(fmt.Appendf(nil, "%q", words))
	return hex.EncodeToString(hash[:8])
}

// judging identifies all that a refusal rests on, beside the list and the one before.
func (s *guardSet) judging() string {
	return s.reading() + fmt.Sprint(s.im.guards.Guards, s.im.guards.Memory, s.im.maxBytes)
}

// read returns the guards with the user's own lists. A list that cannot be read is a
// problem of its owner: without it names would be taken that must not be.
func (s *guardSet) read(ctx context.Context) (Guards, *Refusal, error) {
	if s.guards != nil {
		return *s.guards, nil, nil
	}
	guards := s.im.guards
	guards.own = guards.own.clone()
	for _, object := range s.objects {
		read := guards.reader(object.Key)
		if read == nil {
			return guards, refuseGuardList(object.Key, errNoKind), nil
		}
		body, err := s.im.lists.Open(ctx, object.Key, object.Version)
		if errors.Is(err, ErrNotFound) {
			return guards, nil, errDecideAgain // it was replaced
		}
		if err != nil {
			return guards, nil, fmt.Errorf("opening %q: %w", object.Key, err)
		}
		err = read(body)
		_ = body.Close() // only read
		if isOfList(err) {
			return guards, refuseGuardList(object.Key, err), nil
		}
		if err != nil {
			return guards, nil, fmt.Errorf("reading %q: %w", object.Key, err)
		}
	}
	s.guards = &guards
	return guards, nil, nil
}

// reader returns how a list is read, by its folder, or nil.
func (g *Guards) reader(key string) func(io.Reader) error {
	switch {
	case strings.HasPrefix(key, ProtectedPrefix):
		return g.ReadProtected
	case strings.HasPrefix(key, SharedPrefix):
		return g.ReadShared
	case strings.HasPrefix(key, TopPrefix):
		return g.ReadTop
	default:
		return nil
	}
}

var errNoKind = fmt.Errorf("must lie under %s, %s or %s", ProtectedPrefix, SharedPrefix, TopPrefix)

// refuseGuardList says that no list can be judged for now.
func refuseGuardList(key string, err error) *Refusal {
	return &Refusal{
		Code: RefusedGuardList,
		What: fmt.Sprintf("the list %q for the guards cannot be read: %v", key, err),
		Todo: "correct it or delete it; then the list is judged again by itself",
	}
}
