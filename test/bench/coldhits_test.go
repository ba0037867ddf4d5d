package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/list"
)

func TestReadColdHits(t *testing.T) {
	hits, err := readColdHits(strings.NewReader(
		`{"query_name":"a.example.","srcids":{"instance":"i-1"},"verdict":"malicious","threat":{"part":"query_name"}}` + "\n" +
			`{"query_name":"b.example.","srcids":{"instance":"i-2"},"verdict":"clean"}` + "\n" +
			`{"query_name":"c.example.","srcids":{"instance":"i-3"},"verdict":"malicious","threat":{"part":"answers[0].Rdata"}}` + "\n" +
			`{"query_name":"d.example.","srcids":{"instance":"i-4"},"verdict":"malicious"}` + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"i-1": "a.example", "i-4": "d.example"}
	if !maps.Equal(hits.names, want) || hits.answers != 1 || hits.records != 4 {
		t.Errorf("got %+v, want the names %v, one answer and four records", hits, want)
	}
}

// Two contestants may differ only in records that ask for a name that the guards drop.
func TestCompareColdHits(t *testing.T) {
	dropped := map[string]list.DropReason{"shared.example": list.DropSharedHost, "co.example": list.DropPublicSuffix}
	ours := map[string]string{"i-1": "evil.example"}
	for _, test := range []struct {
		name      string
		more      map[string]string // records that only the peer has
		less      bool              // the peer does not have ours
		explained int
		wantErr   bool
	}{
		{name: "equal"},
		{name: "a dropped name", more: map[string]string{"i-2": "shared.example"}, explained: 1},
		{name: "below dropped names", more: map[string]string{"i-2": "x.y.shared.example", "i-3": "z.co.example"}, explained: 2},
		{name: "a record that nothing explains", more: map[string]string{"i-2": "other.example"}, wantErr: true},
		{name: "not below a dropped name", more: map[string]string{"i-2": "notshared.example"}, wantErr: true},
		{name: "a record that the peer misses", less: true, wantErr: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			theirs := maps.Clone(ours)
			if test.less {
				clear(theirs)
			}
			maps.Copy(theirs, test.more)
			difference, err := compareColdHits(ours, theirs, dropped)
			if (err != nil) != test.wantErr || err == nil && difference.explained != test.explained {
				t.Errorf("got %+v, %v", difference, err)
			}
		})
	}
}

// The names that explain a difference are those that the guards of this project drop.
func TestDroppedNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.txt")
	text := "evil.example.net\ncom\nother.example.org\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	dropped, err := droppedNames(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(dropped) != 1 || dropped["com"] == "" {
		t.Errorf("dropped %v, want com", dropped)
	}
}
