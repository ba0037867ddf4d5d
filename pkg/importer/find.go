package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// foundList is the newest list of a feed in one of its places.
type foundList struct {
	Object
	action indicator.Action
}

// newestLists returns the newest list of a feed under each prefix that holds any, the
// block feed first.
func (im *Importer) newestLists(ctx context.Context, id indicator.FeedID) ([]foundList, error) {
	newest := map[indicator.Action]Object{}
	for _, place := range locations(id, im.legacyKey) {
		objects, err := im.lists.List(ctx, place.prefix)
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
	var lists []foundList
	for _, action := range []indicator.Action{indicator.ActionBlock, indicator.ActionAllow} {
		listed, found := newest[action]
		if !found {
			continue
		}
		object, err := im.lists.Head(ctx, listed.Key)
		if errors.Is(err, ErrNotFound) {
			return nil, errDecideAgain // taken away since it was listed
		}
		if err != nil {
			return nil, fmt.Errorf("looking at %q: %w", listed.Key, err)
		}
		lists = append(lists, foundList{object, action})
	}
	return lists, nil
}

// compareAge orders objects by their time, then by key.
func compareAge(a, b Object) int {
	return cmp.Or(a.LastModified.Compare(b.LastModified), cmp.Compare(a.Key, b.Key))
}

// choose parts the list that the feed stands for from those that cannot be taken. One
// id in both folders is a mistake; a feed that had a list before keeps its folder.
func choose(row *FeedRow, found []foundList) (list *foundList, conflicting []foundList) {
	switch {
	case row.ID == indicator.ManualFeed:
		return nil, found
	case len(found) == 1:
		return &found[0], nil
	}
	established := slices.IndexFunc(found, func(f foundList) bool { return f.action == row.Accepted.Action })
	for i := range found {
		if i == established {
			list = &found[i]
		} else {
			conflicting = append(conflicting, found[i])
		}
	}
	return list, conflicting
}

// refuseConflict says why a list is in the wrong place.
func refuseConflict(id indicator.FeedID) Refusals {
	refusal := Refusal{
		Code: RefusedFeedConflict,
		What: fmt.Sprintf("feed %q has lists under both %s and %s", id, BlockPrefix, AllowPrefix),
		Todo: "delete the lists under one of them: a feed blocks or allows",
	}
	if id == indicator.ManualFeed {
		refusal.What = fmt.Sprintf("the feed id %q is kept for own edits in the table", id)
		refusal.Todo = "use another folder name"
	}
	return Refusals{refusal}
}
