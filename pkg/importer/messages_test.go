package importer_test

import (
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/list"
)

// An error message of a server does not replace a list, in whatever form it comes and however
// short the list is.
func TestImporter_Handle_messagesAreNotLists(t *testing.T) {
	t.Parallel()
	const names = 899 // so few that the guard against shrinking does not look at them
	for _, message := range []string{
		`{"error":"quota exceeded","url":"https://lists.example/account"}`,
		`{"status":"error","message":"invalid key","host":"api.lists.example"}`,
		`{"code":429,"message":"too many requests","host":"lists.example"}`,
		"# list\n<html><body>Sign in at login.example\nlogin.example\n</body></html>\n",
		"# updated 2030-01-01\n\n<!DOCTYPE html>\n<title>503</title>\nlists.example\n",
		"! list\n<?xml version=\"1.0\"?>\n<Error>\nlists.example\n</Error>\n",
	} {
		w := newWorld()
		w.put("feeds/f/list.txt", numbered("bad", names))
		w.handle(t, keys("feeds/f/list.txt")...)
		upload := w.put("feeds/f/list.txt", message)
		w.handle(t, keys("feeds/f/list.txt")...)
		report := w.report(t, "f/"+upload.object.Version)
		if serving := 1 + strings.Count(w.served(t), "\n"); serving != names || report.Outcome != list.OutcomeRefused {
			t.Errorf("%.60q is %s, and %d entries serve", message, report.Outcome, serving)
		}
	}
}
