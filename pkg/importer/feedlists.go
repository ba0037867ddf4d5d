package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// feedOf returns the feed that a key in the list bucket belongs to. found is false if the
// key belongs to no feed. The error names a folder whose name is not a feed id.
func feedOf(key, listKey string) (id indicator.FeedID, found bool, err error) {
	if key == listKey {
		return indicator.DefaultFeed, true, nil
	}

	rest, found := strings.CutPrefix(key, settings.BlockPrefix)
	if !found {
		rest, found = strings.CutPrefix(key, settings.AllowPrefix)
	}
	folder, name, inFolder := strings.Cut(rest, "/")
	if !found || !inFolder || name == "" || strings.HasSuffix(name, "/") {
		return "", false, nil
	}
	id, err = indicator.NewFeedID(folder)
	return id, err == nil, err
}

// location is a place in the list bucket where a feed may have lists.
type location struct {
	action indicator.Action
	prefix string
	exact  bool // prefix is a whole key
}

// locations returns the places where a feed may have lists.
func locations(id indicator.FeedID, listKey string) []location {
	places := []location{
		{action: indicator.ActionBlock, prefix: settings.BlockPrefix + string(id) + "/"},
		{action: indicator.ActionAllow, prefix: settings.AllowPrefix + string(id) + "/"},
	}
	if id == indicator.DefaultFeed {
		places = append(places, location{action: indicator.ActionBlock, prefix: listKey, exact: true})
	}
	return places
}

// holds reports whether key is a list at l. Folder markers are not lists.
func (l location) holds(key string) bool {
	if l.exact {
		return key == l.prefix
	}
	return strings.HasPrefix(key, l.prefix) && !strings.HasSuffix(key, "/")
}

// foundList is the newest block list or the newest allow list of a feed.
type foundList struct {
	storage.Object
	action indicator.Action
}

// newestLists returns the newest block list and the newest allow list of a feed, in this
// order, as far as there are any.
func newestLists(ctx context.Context, lists Lists, id indicator.FeedID, listKey string) ([]foundList, error) {
	newest := map[indicator.Action]storage.Object{}
	for _, place := range locations(id, listKey) {
		objects, err := lists.List(ctx, place.prefix)
		if err != nil {
			return nil, fmt.Errorf("listing %q: %w", place.prefix, err)
		}
		for _, object := range objects {
			best, found := newest[place.action]
			if place.holds(object.Key) && (!found || compareAge(object, best) > 0) {
				newest[place.action] = object
			}
		}
	}

	var found []foundList
	for _, action := range []indicator.Action{indicator.ActionBlock, indicator.ActionAllow} {
		listed, ok := newest[action]
		if !ok {
			continue
		}
		object, err := lists.Head(ctx, listed.Key)
		if errors.Is(err, storage.ErrNotFound) {
			return nil, errDecideAgain // it was deleted after the listing
		}
		if err != nil {
			return nil, fmt.Errorf("looking at %q: %w", listed.Key, err)
		}
		found = append(found, foundList{object, action})
	}
	return found, nil
}

// compareAge orders objects by time, then by key.
func compareAge(a, b storage.Object) int {
	return cmp.Or(a.LastModified.Compare(b.LastModified), cmp.Compare(a.Key, b.Key))
}

// chooseList returns the list to import, if any, and the lists that are in the wrong folder. A
// feed must not have lists in both folders. The folder of the accepted list is the right one.
func chooseList(row *table.FeedRow, found []foundList) (chosen *foundList, conflicting []foundList) {
	switch {
	case row.ID == indicator.ManualFeed:
		return nil, found
	case len(found) == 1:
		return &found[0], nil
	}

	established := slices.IndexFunc(found, func(f foundList) bool { return f.action == row.Accepted.Action })
	for i := range found {
		if i == established {
			chosen = &found[i]
		} else {
			conflicting = append(conflicting, found[i])
		}
	}
	return chosen, conflicting
}

// refuseConflict explains why a list is in the wrong folder.
func refuseConflict(id indicator.FeedID) list.Refusals {
	refusal := list.Refusal{
		Code: list.RefusedFeedConflict,
		What: fmt.Sprintf("feed %q has lists under both %s and %s", id, settings.BlockPrefix, settings.AllowPrefix),
		Todo: "delete the lists under one of them: a feed either blocks or allows",
	}
	if id == indicator.ManualFeed {
		refusal.What = fmt.Sprintf("the feed id %q is reserved for manual entries in the table", id)
		refusal.Todo = "use another folder name"
	}
	return list.Refusals{refusal}
}
