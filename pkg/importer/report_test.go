package importer_test

import (
	"testing"
)

// The owner of a refused list relies on the text of the report.
func TestReport_text(t *testing.T) {
	t.Parallel()
	const key = "feeds/f/list.txt"
	w := newWorld()
	w.put(key, numbered("name", 3_000))
	w.handle(t, keys(key)...)
	w.put(key, `# Entries: 90
evil.example
evil.example
co.uk
pastebin.com
two words
no_dots..in.a.row
/a/path/alone
`)
	w.handle(t, keys(key)...)
	wantEqual(t, "refused", string(w.objects["reports/f/v2.txt"]), `Feed f: refused; most of the list is not used: 2 rejected, 2 dropped
The list is refused. The previous list with 3000 entries keeps serving.

cut_off: it has 7 entries, but its header says 90
  what to do: check whether the upload or the download was cut off; to accept it as it is, set the tag "resolverwatch-force" of the object, with the reason as its value

shrink: 3000 of 3000 entries in effect are gone, 100.0 %: 0 are kept and 1 are new. Gone are entries that are missing, have ended or end within a week, match less, or are vetoed by the list's own exceptions
  what to do: check whether the list is complete and still the list of this feed; to accept it as it is, set the tag "resolverwatch-force" of the object, with the reason as its value

list      "feeds/f/list.txt"
version   v2
size      101 bytes
at        2030-01-01T00:00:02Z

format    plain
lines     8
entries   7 (the list says 90)
  rejected       2
               1  empty label
               1  several words
  skipped        1
               1  URL path without a host
  dropped        2
               1  a public suffix: the names under it belong to unrelated owners
               1  a shared host: list single names under it with scope name, or block by URL elsewhere
  repeats        1
  expired        0
listed    1 (before: 3000)
in effect 1 (before: 3000): 0 kept, 3000 gone, 1 new

rejected line 6: "two words": several words: if this is a hosts file or a table, set its format or column
rejected line 7: "no_dots..in.a.row": empty label

dropped line 4: "co.uk (subtree)": a public suffix: the names under it belong to unrelated owners
dropped line 5: "pastebin.com (subtree)": a shared host: list single names under it with scope name, or block by URL elsewhere

skipped line 8: "/a/path/alone": URL path without a host
`)

	w.put(key, numbered("name", 2_999)+"evil.example\n")
	w.handle(t, keys(key)...)
	wantEqual(t, "accepted", string(w.objects["reports/f/v3.txt"]), `Feed f: accepted
The list is accepted: 3000 entries, 1 added, 1 removed.

list      "feeds/f/list.txt"
version   v3
size      49886 bytes
at        2030-01-01T00:00:03Z

format    plain
lines     3000
entries   3000
  rejected       0
  skipped        0
  dropped        0
  repeats        0
  expired        0
listed    3000 (before: 3000)
in effect 3000 (before: 3000): 2999 kept, 1 gone, 1 new
`)
}
