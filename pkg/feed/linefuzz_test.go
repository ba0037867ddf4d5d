package feed_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
)

// localNames are the names that hosts files have for the machine itself.
var localNames = regexp.MustCompile(`local|broadcasthost|loopback|ip6-|0\.0\.0\.0`)

// FuzzHostsOracle compares the reading of names and comments with regular expressions.
func FuzzHostsOracle(f *testing.F) {
	f.Add("a.example // b.example\nc.example;d.example\n! e.example\nf.example!g\tH.example # i")
	f.Add("a.example\u00a0b.example\u3000\nc.example \ufeff0 d.example\n//x\n;y\na/b //c")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1000 || strings.ContainsAny(text, "\x00\r") || localNames.MatchString(text) ||
			strings.Trim(text, "\t\n\u00a0\u2003\u3000\ufeff !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~") != "" {
			t.Skip("not relevant here, or covered by other tests")
		}
		list := "0.0.0.0 first.example\n0 " + strings.ReplaceAll(text, "\n", "\n127.0.0.1 ")
		compareSlowly(t, feed.Hosts, list)
	})
}

// FuzzRPZOracle compares the names of policies with those that a server makes of a zone file.
func FuzzRPZOracle(f *testing.F) {
	f.Add("lab.test", "rpz", "evil.example.rpz\nevil.example\nevil.example.rpz.lab.test.\nother.example.\n*.x.rpz")
	f.Add("rpz.test", "@", "evil.example\nb.rpz.test\n@\n*.evil.example.rpz.test.")
	f.Fuzz(func(t *testing.T, origin, apex, owners string) {
		const most = 200
		names := append(strings.Split(owners, "\n"), origin, strings.TrimPrefix(apex, "@"))
		for _, name := range names {
			if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz.*@") != "" || strings.Contains(name, "..") || strings.Contains(name, "rpz-") {
				t.Skip("not relevant here")
			}
		}
		noOwner := strings.Contains("\n"+owners+"\n", "\n\n") // it belongs to the owner before
		if noOwner || len(owners) > most || origin == "" || apex == "" || strings.Trim(origin, ".") != origin || strings.HasPrefix(apex, ".") {
			t.Skip("not a zone")
		}
		absolute := func(name string) string {
			switch {
			case strings.HasSuffix(name, "."):
				return strings.TrimSuffix(name, ".")
			case name == "@":
				return origin
			}
			return name + "." + origin
		}

		zone, want := absolute(apex), &slowReader{}
		list := "$ORIGIN " + origin + ".\n" + apex + " SOA ns. root. 1 2 3 4 5\nfirst.example. CNAME .\n"
		want.owner("name ", "first.example")
		for _, owner := range strings.Split(owners, "\n") {
			list += owner + " CNAME .\n"
			name, inside := strings.CutSuffix(absolute(owner), "."+zone)
			if origin == zone && !strings.HasSuffix(owner, ".") { // the final dot was forgotten
				name = strings.TrimSuffix(owner, "."+zone)
			}
			if !inside && !strings.HasSuffix(owner, ".") || absolute(owner) == zone {
				continue
			}
			scope := "name "
			if bare, found := strings.CutPrefix(name, "*."); found {
				scope, name = "under ", bare
			}
			want.owner(scope, name)
		}
		got := parseAll(strings.NewReader(list), feed.RPZ)
		if diff := cmp.Diff(want.accepted, renderAll(&got)); diff != "" || got.err != nil {
			t.Errorf("%v, %q: -want +got:\n%s", got.err, list, diff)
		}
	})
}

// compareSlowly compares what Parse and the slow reader accept.
func compareSlowly(t *testing.T, format feed.Format, list string) {
	t.Helper()
	got, want := parseAll(strings.NewReader(list), format), slowRead(format, list)
	if diff := cmp.Diff(want.accepted, renderAll(&got)); diff != "" || got.err != nil {
		t.Errorf("%v, %q: -want +got:\n%s", got.err, list, diff)
	}
}

func renderAll(o *outcome) (entries []string) {
	for i := range o.accepted {
		entries = append(entries, render(&o.accepted[i]))
	}
	return entries
}
