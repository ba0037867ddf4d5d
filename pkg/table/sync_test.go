package table

import (
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

func TestCursor_roundTrip(t *testing.T) {
	t.Parallel()
	entries, _, err := list.Read(strings.NewReader("b.example\n2001:db8::/48\n192.0.2.1\n"), list.Options{},
		list.Guards{Guards: settings.DefaultGuards()}, list.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	for entry := range entries.All() {
		place, err := parseCursor(cursorOf(entry))
		if err != nil || place.Compare(entry) != 0 {
			t.Errorf("cursor %q: %v, %v", cursorOf(entry), place, err)
		}
	}
	for _, cursor := range []string{"x", "a.example\tname", "a.example\tname\tdrop", "\tname\tblock"} {
		if _, err := parseCursor(cursor); err == nil {
			t.Errorf("cursor %q was read", cursor)
		}
	}
}
