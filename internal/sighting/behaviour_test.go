package sighting

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
	"github.com/resolverwatch/resolverwatch/test/detections/slow"
)

// watched counts records with several watchers at the same time, each of which takes every
// so many of them.
func watched(t *testing.T, b *Behaviour, records []slow.Record, watchers int) *Behaviour {
	t.Helper()
	var group sync.WaitGroup
	for first := range watchers {
		group.Go(func() {
			watcher := b.Watch()
			for i := first; i < len(records); i += watchers {
				count(t, watcher, &records[i])
			}
		})
	}
	group.Wait()
	return b
}

func count(t *testing.T, watcher *Watcher, r *slow.Record) {
	text, err := json.Marshal(map[string]string{
		"account_id": r.Account, "vpc_id": r.VPC, "srcaddr": r.Address, "query_timestamp": r.At.Format(time.RFC3339),
		"query_name": r.Name, "rcode": r.RCODE, "firewall_rule_action": r.Action,
	})
	if err != nil {
		t.Error(err)
	}
	var scanner resolverlog.Scanner
	scanner.Reset(text)
	if !scanner.Next() {
		t.Errorf("%s: %v", text, scanner.Err())
	}
	watcher.Count(scanner.Object())
}

// behaviourLog returns records of hosts some of which are just below a rule, just above it, or
// far above it. The order is random, and every name is repeated.
func behaviourLog(random *rand.Rand) (records []slow.Record) {
	for host := range 6 {
		r := slow.Record{Account: fmt.Sprint(host % 2), VPC: "vpc-1", Address: fmt.Sprintf("192.0.2.%d", host), RCODE: "NOERROR",
			At: time.Date(2026, 1, 1, 20+random.IntN(8), 0, 0, 0, time.FixedZone("", 3600*random.IntN(3)))}
		for domain, names := range []int{99, 100, 101, 300 + random.IntN(200), 40} {
			size := 40 + random.IntN(2) - host%2
			for i := range names {
				r.Name = fmt.Sprintf("%0*x.%d.Tunnel%d.%s.", size-1, i*host+i, i%10, domain, []string{"example", "co.zz", "zz"}[host%3])
				records = append(records, r)
			}
		}
		for i := range []int{19, 20, 21, 60, 22, 5}[host] {
			r.Name, r.RCODE = fmt.Sprintf("www.%s%d.test", strings.Repeat("x", i%9), i), "nxdomain"
			if i%7 == 0 {
				r.Name = fmt.Sprintf("%s.org.zz.", strings.Repeat("y", 1+i))
			}
			records = append(records, r)
			if host == 5 || i == 13 {
				r.RCODE = "NOERROR"
				records = append(records, r)
			}
			if r.RCODE, r.Action = "NXDOMAIN", ""; host == 4 {
				r.Action, r.Name = "block", fmt.Sprintf("blocked%d.test", i)
				records = append(records, r)
				r.Action = ""
			}
		}
	}
	records = append(records, records...)
	random.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	return records
}

// The findings are those of a slow count that keeps everything, whatever the order of the
// records and however many watchers there are.
func TestBehaviour(t *testing.T) {
	for seed := range uint64(6) {
		records := behaviourLog(rand.New(rand.NewPCG(seed, 1)))
		var tunnels []Tunnel
		for _, s := range slow.Tunnels(records, slow.TunnelRule{Window: 24 * time.Hour, Names: minTunnelNames, Characters: minTunnelCharacters}) {
			tunnels = append(tunnels, Tunnel{Host(s.Host), s.Registrable, s.Start.Unix() / 86400, s.Names, s.Characters, true})
		}
		var generated []Generated
		for _, s := range slow.GeneratedNames(records, slow.GeneratedRule{Domains: minGenerated}) {
			generated = append(generated, Generated{Host(s.Host), s.Day.Unix() / 86400, s.Domains, s.WithDigits,
				float64(s.Characters) / float64(s.Domains), s.Example, true})
		}
		if len(tunnels) == 0 || len(generated) == 0 {
			t.Fatalf("seed %d: %d tunnels and %d hosts with generated names", seed, len(tunnels), len(generated))
		}
		for _, watchers := range []int{1, 2, 5} {
			b := watched(t, NewBehaviour(), records, watchers)
			if diff := cmp.Diff(tunnels, b.Tunnels()); diff != "" {
				t.Errorf("seed %d, %d watchers: tunnels (-slow +counted):\n%s", seed, watchers, diff)
			}
			if diff := cmp.Diff(generated, b.Generated()); diff != "" {
				t.Errorf("seed %d, %d watchers: generated names (-slow +counted):\n%s", seed, watchers, diff)
			}
		}
	}
}

// Beyond the bound of memory, what is left depends neither on the order of the records nor
// on the number of watchers, and the threshold is the highest that fits.
func TestBehaviour_sampled(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	records := behaviourLog(random)
	const most = 2000
	all := watched(t, NewBehaviour(), records, 1)
	fits := all.tunnels.threshold
	for fits.halvings == 0 || cellsAt(all.tunnels, fits) > most {
		fits.halvings++
	}

	var first string
	for _, watchers := range []int{1, 2, 3, 4, 5, 6} {
		b := watched(t, newBehaviour(most, most), records, watchers)
		if b.tunnels.cells > most || b.generated.cells > most {
			t.Errorf("%d watchers: %d and %d cells, want at most %d", watchers, b.tunnels.cells, b.generated.cells, most)
		}
		if b.tunnels.threshold != fits || b.generated.halvings == 0 {
			t.Errorf("%d watchers: names are halved %d times, want %d; domains %d times", watchers, b.tunnels.halvings, fits.halvings, b.generated.halvings)
		}
		var out strings.Builder
		b.Print(&out)
		if first == "" {
			first = out.String()
		}
		if diff := cmp.Diff(first, out.String()); diff != "" {
			t.Errorf("%d watchers (-one +these):\n%s", watchers, diff)
		}
		random.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	}
	if !strings.Contains(first, "~") || !strings.Contains(first, "too many names to count all: 1 in") {
		t.Errorf("the counts are not marked as estimates:\n%s", first)
	}
}

// cellsAt returns the memory that tunnels would need at a threshold.
func cellsAt(all *tunnels, at threshold) (cells int) {
	for i := range all.list {
		kept := slices.Clone(all.names(&all.list[i]))
		if kept.cut(at); len(kept) > 0 {
			cells += all.cellsOf(&all.list[i]) + len(kept)
		}
	}
	return cells
}

// A set that is larger than its sample is counted to within a few per cent, and the memory
// of one large set does not affect others.
func TestBehaviour_largeSets(t *testing.T) {
	b, at := NewBehaviour(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	watcher := b.Watch()
	const names, size = 50_000, 40
	for i := range names {
		count(t, watcher, &slow.Record{Address: "192.0.2.1", At: at, Name: fmt.Sprintf("%0*d.tunnel.example", size, i), RCODE: "NOERROR"})
		count(t, watcher, &slow.Record{Address: "192.0.2.1", At: at, Name: fmt.Sprintf("x%d.test", i), RCODE: "NXDOMAIN"})
	}
	tunnels, generated := b.Tunnels(), b.Generated()
	if len(tunnels) != 1 || len(generated) != 1 || tunnels[0].Exact || generated[0].Exact {
		t.Fatalf("found %+v and %+v, want one estimate each", tunnels, generated)
	}
	for what, got := range map[string]float64{
		"names": float64(tunnels[0].Names) / names, "characters": float64(tunnels[0].Characters) / (names * size),
		"domains": float64(generated[0].Domains) / names,
	} {
		if math.Abs(got-1) > 0.15 {
			t.Errorf("%s: estimated %.2f of the real count", what, got)
		}
	}
	if b.tunnels.cells > 2*sampleEntries || b.generated.cells > 2*sampleEntries*deadCells {
		t.Errorf("the samples take %d and %d cells", b.tunnels.cells, b.generated.cells)
	}
}

// Records whose name, time or host is missing, and hostile names, are no findings and no
// problem.
func TestBehaviour_oddRecords(t *testing.T) {
	b := NewBehaviour()
	watcher := b.Watch()
	for _, text := range []string{
		`{}`, `{"query_name":"x.evil.example"}`, `{"query_name":"x.evil.example","query_timestamp":"yesterday"}`,
		`{"query_name":".","query_timestamp":"2026-01-01T00:00:00Z"}`, `{"query_name":"...","query_timestamp":"2026-01-01T00:00:00Z"}`,
		`{"query_name":"a.` + strings.Repeat("b", 2000) + `.test","query_timestamp":"2026-01-01T00:00:00Z","rcode":"NXDOMAIN"}`,
		`{"query_name":"` + strings.Repeat("b.", 2000) + `test","query_timestamp":"2026-01-01T00:00:00Z","rcode":"NXDOMAIN"}`,
		`{"query_name":"x.zz","query_timestamp":"1969-12-31T23:00:00Z","rcode":"NXDOMAIN"}`,
	} {
		var scanner resolverlog.Scanner
		scanner.Reset([]byte(text))
		if !scanner.Next() {
			t.Fatal(scanner.Err())
		}
		watcher.Count(scanner.Object())
	}
	if len(b.tunnels.groups) != 0 || len(b.generated.days) != 1 {
		t.Errorf("counted %d domains and %d hosts", len(b.tunnels.groups), len(b.generated.days))
	}
	for _, day := range b.generated.days {
		if day.day != -1 {
			t.Errorf("the last hour of 1969 is on day %d, want -1", day.day)
		}
	}
}

const behaviourTables = `
Data in names: hosts with 100 or more names of together 4,000 or more characters below one domain in a day
HOST       VPC    DOMAIN          DAY         NAMES  CHARACTERS  MEAN LENGTH
192.0.2.1  vpc-1  tunnel.example  2026-01-01    120       4,800         40.0

Generated names: hosts with 20 or more domains in a day that do not exist
HOST       VPC    DAY         DOMAINS  MEAN LENGTH  WITH DIGITS  EXAMPLE
192.0.2.2  vpc-1  2026-01-01       21         10.0           10  xxxxxxxxxk.test
`

func TestBehaviour_Print(t *testing.T) {
	b, at := NewBehaviour(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	watcher := b.Watch()
	for i := range 120 {
		count(t, watcher, &slow.Record{VPC: "vpc-1", Address: "192.0.2.1", At: at, Name: fmt.Sprintf("%040d.tunnel.example.", i)})
		count(t, watcher, &slow.Record{VPC: "vpc-1", Address: "192.0.2.1", At: at, Name: fmt.Sprintf("%040d.mcafee.com.", i)})
	}
	for i := range 21 {
		count(t, watcher, &slow.Record{VPC: "vpc-1", Address: "192.0.2.2", At: at, RCODE: "NXDOMAIN",
			Name: "xxxxxxxxx" + string("0123456789abcdefghijk"[i]) + ".test."})
	}
	var out strings.Builder
	b.Print(&out)
	if diff := cmp.Diff(behaviourTables, out.String()); diff != "" {
		t.Errorf("tables (-want +printed):\n%s", diff)
	}
}

// The rules are the defaults of the named queries.
func TestBehaviour_rulesOfQueries(t *testing.T) {
	for query, defaults := range map[string]map[string]string{
		"tunnels": {
			"names": fmt.Sprint(minTunnelNames), "characters": fmt.Sprint(minTunnelCharacters), "hours": "24",
			"exceptions": "'" + strings.Join(tunnelExceptions, " ") + "'",
		},
		"nxdomain-domains": {"domains": fmt.Sprint(minGenerated), "exceptions": "''"},
	} {
		sql, err := os.ReadFile("../../infra/resolverwatch/queries/" + query + ".sql")
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range defaults {
			if placeholder := "/*" + name + ":*/"; strings.Count(string(sql), placeholder+value+"/*:"+name+"*/") != strings.Count(string(sql), placeholder) {
				t.Errorf("%s: the default of %s is not %s everywhere", query, name, value)
			}
		}
	}
}

// A name is split like the slow rule splits it.
func FuzzSplitter(f *testing.F) {
	for _, name := range []string{"", ".", "example", "www.example.", "A.B.co.UK", "co.uk", "x..y.example..", `a\.b.example`, "1.2.0.192.in-addr.arpa",
		"ip-10-0-0-1.ec2.internal", "\xff.x.é\xc3.zz", "a.co.éé", "com.zz", ".com.zz"} {
		f.Add([]byte(name))
	}
	f.Fuzz(func(t *testing.T, name []byte) {
		var s splitter
		parts, ok := s.split(name)
		domain, label, below, wantOK := slow.Registrable(string(name))
		if ok != wantOK || ok && (string(parts.domain) != domain || string(parts.below) != strings.Join(below, ".") ||
			!strings.HasPrefix(domain, label+".") || characters(parts.below) != slow.Characters(below)) {
			t.Errorf("%q: split at %q, %q, %v; want %q, %q, %v", name, parts.below, parts.domain, ok, below, domain, wantOK)
		}
	})
}

func BenchmarkWatcher_Count(b *testing.B) {
	var scanner resolverlog.Scanner
	scanner.Reset([]byte(`{"account_id":"111122223333","vpc_id":"vpc-0a1b2c3d4e5f60001","query_timestamp":"2026-10-15T10:15:00Z",` +
		`"query_name":"www.shop.example.","rcode":"NOERROR","srcaddr":"10.0.1.11"}`))
	scanner.Next()
	watcher := NewBehaviour().Watch()
	b.ReportAllocs()
	for b.Loop() {
		watcher.Count(scanner.Object())
	}
}
