package athena_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/test/detections/made"
	"github.com/resolverwatch/resolverwatch/test/detections/slow"
)

// Parameters for the behaviour queries.
var behaviours = map[string]map[string]string{
	"tunnels": {"from": "2026-10-01", "until": "2026-10-31", "exceptions": "telemetry.example"},
	"nxdomain-domains": {"from": "2026-10-01", "until": "2026-10-31", "domains": "19",
		"exceptions": "dead07.co.zz " + strings.Join([]string{ipv6.account, ipv6.vpc, ipv6.address}, "/")},
	"beacons":       {"from": "2026-10-01", "until": "2026-10-31", "exceptions": "tock.example"},
	"first-seen":    {"from": "2026-10-21", "until": "2026-10-31", "history": "15", "exceptions": "relay.test"},
	"own-resolvers": {"from": "2026-10-01", "until": "2026-10-31", "exceptions": "old.resolver.example"},
}

// behaving returns the queries of hosts that no list betrays: a tunnel and telemetry that
// looks like one, generated names, beacons, and resolvers of their own.
func behaving() (queries []query) {
	ask := func(from host, at time.Time, rcode, name string) {
		queries = append(queries, query{asked: at, host: from, name: name, rcode: rcode})
	}
	for i := range 110 {
		at := october2026(22, 10, i/2, i%2*30)
		ask(build, at, "", fmt.Sprintf("%040x.%02X.Relay.TEST.", 7919*(i+1), i%16))
		ask(build, at, "NXDOMAIN", fmt.Sprintf("%040x.%02X.relay.test", 7919*(i+1), i%16)) // the same name
		ask(web, at, "", fmt.Sprintf("%040x.telemetry.example.", i))
		ask(office, at, "", fmt.Sprintf("%d.short.example.", i))
	}
	for i := range 25 {
		at := october2026(23, 9, i, 0)
		ask(office, at, "NXDOMAIN", fmt.Sprintf("www.dead%02d.%s.", i, []string{"test", "co.zz", "test"}[i%3]))
		ask(ipv6, at, "NXDOMAIN", fmt.Sprintf("mail%02d.test.", i))
		ask(build, at, "nxdomain", fmt.Sprintf("www.site%d.example.eu-west-1.compute.internal.", i))
	}
	ask(web, october2026(26, 9, 0, 0), "", "dead03.test.")    // exists
	ask(ipv6, october2026(26, 9, 0, 0), "", "x.dead06.test.") // exists in another account
	queries = append(queries, query{asked: october2026(23, 9, 30, 0), host: office, name: "blocked.dead99.test.", rcode: "NXDOMAIN", firewall: "BLOCK"})
	for i := range 30 {
		ask(ipv6, october2026(27, i, (i*7)%5, 0), "", "tick.example.")
		ask(ipv6, october2026(27, i, (i*7)%5, 0), "", "TICK.example") // in the same second
		ask(ipv6, october2026(27, i, 0, 0), "", "tock.example.")
		ask(office, october2026(27, i, (i*37)%59, i), "", "wild.example.")
		ask(office, october2026(28, 0, 20*i, 0), "", "short.example.") // for less than 12 hours
	}
	ask(build, october2026(24, 12, 0, 0), "", "dns.resolver.example.")
	ask(build, october2026(24, 13, 0, 0), "", "DNS.Resolver.example.")
	ask(web, october2026(24, 13, 0, 0), "", "old.resolver.example.")
	ask(web, october2026(24, 14, 0, 0), "NXDOMAIN", "use-application-dns.net.")
	return queries
}

// plainly returns the marked records of a period for the slow rules.
func plainly(t *testing.T, lines []line, values map[string]string) (all []slow.Record) {
	t.Helper()
	for _, r := range where(records(t, lines, values), func(r *marked) bool { return r.Verdict != "" }) {
		all = append(all, slow.Record{Account: r.Account, VPC: r.VPC, Address: r.Address, At: r.asked, Name: r.Name, RCODE: r.RCODE,
			Action: r.Firewall, Verdict: r.Verdict, Category: r.Threat.Category, Feeds: r.Threat.Feeds})
	}
	return all
}

// oneDecimal rounds a number as SQL does: halves go up.
func oneDecimal(value float64) json.Number {
	return json.Number(strconv.FormatFloat(math.Floor(10*value+0.5)/10, 'f', 1, 64))
}

func tunnels(t *testing.T, lines []line, values map[string]string) (rows [][]any) {
	rule := slow.TunnelRule{Window: 24 * time.Hour, Names: 100, Characters: 4000, Exceptions: slow.Exceptions(values["exceptions"])}
	return tunnelRows(slow.Tunnels(plainly(t, lines, values), rule))
}

func tunnelRows(tunnels []slow.Tunnel) (rows [][]any) {
	for _, r := range tunnels {
		rows = append(rows, []any{r.Account, r.VPC, r.Address, r.Registrable, r.Start.Format(time.DateOnly), r.Names, r.Characters,
			oneDecimal(float64(r.Characters) / float64(r.Names)), r.Example})
	}
	return rows
}

func nxdomainDomains(t *testing.T, lines []line, values map[string]string) (rows [][]any) {
	domains, err := strconv.Atoi(values["domains"])
	if err != nil {
		t.Fatal(err)
	}
	return generatedRows(slow.GeneratedNames(plainly(t, lines, values),
		slow.GeneratedRule{Domains: domains, Exceptions: slow.Exceptions(values["exceptions"])}))
}

func generatedRows(generated []slow.Generated) (rows [][]any) {
	for _, r := range generated {
		rows = append(rows, []any{r.Account, r.VPC, r.Address, r.Day.Format(time.DateOnly), r.Domains,
			oneDecimal(float64(r.Characters) / float64(r.Domains)), r.WithDigits, r.Example})
	}
	return rows
}

func beacons(t *testing.T, lines []line, values map[string]string) (rows [][]any) {
	return beaconRows(slow.Beacons(plainly(t, lines, values), slow.BeaconRule{Queries: 24, Hosts: 2, Spread: 60, Duration: 12 * time.Hour,
		Exceptions: slow.Exceptions(values["exceptions"])}))
}

func beaconRows(beacons []slow.Beacon) (rows [][]any) {
	for _, r := range beacons {
		rows = append(rows, []any{r.Account, r.VPC, r.Address, r.Name, r.Queries, r.Median, oneDecimal(r.Spread), r.Hosts,
			stamp(r.First), stamp(r.Last)})
	}
	return rows
}

func firstSeen(t *testing.T, lines []line, values map[string]string) (rows [][]any) {
	history, err := strconv.Atoi(values["history"])
	if err != nil {
		t.Fatal(err)
	}
	from := moment(values["from"], "")
	longer := map[string]string{"from": from.AddDate(0, 0, -history).Format(time.DateOnly), "until": values["until"]}
	return firstRows(slow.FirstSeen(plainly(t, lines, longer), slow.FirstRule{From: from, Hosts: 2, Exceptions: slow.Exceptions(values["exceptions"])}))
}

func firstRows(firsts []slow.First) (rows [][]any) {
	for _, r := range firsts {
		rows = append(rows, []any{r.Account, r.VPC, r.Address, r.Registrable, stamp(r.Seen), r.Hosts, r.Example, stamp(r.LogsSince)})
	}
	return rows
}

func ownResolvers(t *testing.T, lines []line, values map[string]string) (rows [][]any) {
	for _, r := range slow.OwnResolvers(plainly(t, lines, values), slow.ResolverRule{Category: "doh",
		Canaries: []string{"use-application-dns.net"}, Exceptions: slow.Exceptions(values["exceptions"])}) {
		rows = append(rows, []any{r.Account, r.VPC, r.Address, r.Name, r.Reason, orNull(r.Feeds), r.Queries, stamp(r.First), stamp(r.Last)})
	}
	return rows
}

// oddNames are query names that SQL and Go could split differently.
func oddNames() []string {
	names := []string{"example.", "WWW.Example", "a.b.co.zz.", "co.zz", "x.co.zzz", "x.CO.zz", `a\.b.example`, `\046.example.`, "..a..b..",
		"x.y.1.2.0.192.in-addr.arpa.", "ip-10-0-0-1.ec2.internal", "printer.local", "x.lan.", "home", "a b.example", "É.example", "x.éé",
		"a.com.éé", "_dns.x.example", "*.x.example", `"q".x.example`, "%.x.example", "x/y.example", strings.Repeat("a.", 100) + "net.zz"}
	random := rand.New(rand.NewPCG(1, 2))
	parts := []string{".", "..", "co", "CO", "net", "zz", "ZZ", "zzz", "arpa", "internal", "a", "b1", "-", `\`, "é", "x_y"}
	for range 400 {
		name := ""
		for range 1 + random.IntN(9) {
			name += parts[random.IntN(len(parts))] + parts[random.IntN(2)][:random.IntN(2)]
		}
		names = append(names, name)
	}
	return names
}

// SQL finds the same registrable domain as Go in every name.
func TestQueries_registrableDomain(t *testing.T) {
	r := newRig(t, wayJSON, "2006/01/02", map[string]any{})
	names := append(oddNames(), corpusNames(t)...)
	var queries []query
	var plain []slow.Record
	for _, name := range names {
		q := query{asked: october2026(10, 1, 0, 0), host: web, name: name}
		queries = append(queries, q)
		plain = append(plain, slow.Record{Account: web.account, VPC: web.vpc, Address: web.address, At: q.asked, Name: name})
	}
	r.replace(t, october, queries)
	got := r.ask(t, "tunnels", map[string]string{"from": "2026-10-10", "until": "2026-10-11", "names": "1", "characters": "1", "exceptions": ""})
	want := tunnelRows(slow.Tunnels(plain, slow.TunnelRule{Window: 24 * time.Hour, Names: 1, Characters: 1}))
	t.Logf("%d names, %d registrable domains", len(names), len(want))
	if diff := cmp.Diff(asLines(want), asLines(got.Rows)); diff != "" {
		t.Errorf("rows (-calculated in Go +returned by Trino):\n%s", diff)
	}
}

// corpusNames returns real names, if there is a corpus.
func corpusNames(t *testing.T) (names []string) {
	t.Helper()
	corpus := os.Getenv("RESOLVERWATCH_CORPUS")
	if corpus == "" {
		t.Log("set RESOLVERWATCH_CORPUS to a folder with real lists in data/load/*.gz to compare their names too")
		return nil
	}
	files, err := filepath.Glob(filepath.Join(corpus, "data/load/*.gz"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := gzip.NewReader(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(text)
		for i := 0; lines.Scan(); i++ {
			if fields := strings.Fields(lines.Text()); i%500 == 0 && len(fields) > 0 {
				names = append(names, "www."+fields[0])
			}
		}
		file.Close()
	}
	return names
}

// On the made logs of a fleet, each detection finds in SQL what the slow count finds, which
// `make detections` also compares with the counters of scan.
func TestDetections(t *testing.T) {
	r := newRig(t, wayJSON, "2006/01/02", map[string]any{})
	fleet := made.Fleet(1)
	var lines []line
	for i := range fleet.Records {
		record := &fleet.Records[i]
		lines = append(lines, line{record.At.Add(time.Minute), append(made.Line(record), '\n')})
	}
	logs := r.tables["dns_logs"]
	folder := logs.move(t, r.bucket(t, nil))
	bucket, _ := logs.location()
	r.put(t, bucket, asGzip(t, delivered(folder, "2006/01/02", lines)))
	r.glue.put(logs)

	period := map[string]string{"from": "2026-10-15", "until": "2026-10-19"}
	for name, want := range map[string][][]any{
		"tunnels":          tunnelRows(slow.Tunnels(fleet.Records, slow.DefaultTunnels())),
		"nxdomain-domains": generatedRows(slow.GeneratedNames(fleet.Records, slow.DefaultGenerated())),
		"beacons":          beaconRows(slow.Beacons(fleet.Records, slow.DefaultBeacons())),
	} {
		got := r.ask(t, name, period)
		t.Logf("%s: %d rows of %d records", name, len(got.Rows), got.InputRows)
		if diff := cmp.Diff(asLines(want), asLines(got.Rows)); diff != "" {
			t.Errorf("%s: rows (-calculated in Go +returned by Trino):\n%s", name, diff)
		}
	}
}
