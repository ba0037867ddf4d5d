package index_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
	"github.com/resolverwatch/resolverwatch/test/conformance/oracle"
)

// exercise opens an arbitrary file and, if that works, makes every kind of lookup.
func exercise(t testing.TB, file []byte) {
	t.Helper()
	x, err := index.Open(file)
	if err != nil {
		return
	}
	var m index.Match
	for _, name := range []string{
		".", "test", "example", "evil.example", "x.www.evil.example", "q.x.y.z.example", "good.evil.example",
		"fine.example", "zzz.example", strings.Repeat("a.", 120) + "evil.example",
	} {
		x.Match(query(t, name), &m)
	}
	for _, address := range []string{"192.0.2.1", "255.255.255.255", "0.0.0.0", "2001:db8::1", "::"} {
		x.MatchAddr(netip.MustParseAddr(address), &m)
	}
	x.Info()
	for _, err := range x.All() {
		if err != nil {
			break
		}
	}
	_ = x.SelfCheck(1<<20, reach.DefaultBounds(), "canary.example", "192.0.2.1") // any result is fine
}

// FuzzOpen opens arbitrary bytes: unchanged, with a correct length and checksum, and as
// changes to a valid file, so that the fuzzer gets past the checksum.
func FuzzOpen(f *testing.F) {
	file := build(f, small(f))
	f.Add(file)
	f.Add(build(f, nil))
	f.Add(build(f, parseAll(f, "a block subtree evil.example")))
	f.Add([]byte{0, 100, 1, 0, 200, 0xFF})
	f.Fuzz(func(t *testing.T, data []byte) {
		exercise(t, data)
		resealed := bytes.Clone(data)
		reseal(resealed)
		exercise(t, resealed)
		changed := bytes.Clone(file)
		for ; len(data) >= 3; data = data[3:] { // each change is an offset (2 bytes) and a value
			changed[(int(data[0])<<8|int(data[1]))%len(changed)] = data[2]
		}
		reseal(changed)
		exercise(t, changed)
	})
}

// world makes entries and queries that match often: names with few labels over few
// letters, few feeds, all scopes and actions.
type world struct{ random *rand.Rand }

func (w world) pick(words ...string) string { return words[w.random.IntN(len(words))] }

func (w world) name(labels int) string {
	name := w.pick("example", "test", "com", "co")
	for range labels - 1 {
		label := w.pick("a", "b", "aa", "a-b", "a_", "0", "www", strings.Repeat("long", 15))
		if len(label)+1+len(name) > 253 {
			break
		}
		name = label + "." + name
	}
	return name
}

func (w world) block() netip.Prefix {
	if w.random.IntN(2) == 0 {
		a := netip.AddrFrom4([4]byte{192, 0, 2, byte(w.random.IntN(256))})
		return netip.PrefixFrom(a, w.random.IntN(33)).Masked()
	}
	a := netip.MustParseAddr("2001:db8::").As16()
	a[6], a[15] = byte(w.random.IntN(4)), byte(w.random.IntN(4))
	return netip.PrefixFrom(netip.AddrFrom16(a), w.random.IntN(129)).Masked()
}

func (w world) address() netip.Addr {
	block := w.block().Addr()
	if w.random.IntN(4) == 0 && block.Is4() {
		return netip.AddrFrom16(block.As16())
	}
	return block
}

func (w world) entry(t testing.TB) fed {
	t.Helper()
	e := fed{feed: indicator.FeedID(w.pick("a", "b", "c", "allow1", "allow2"))}
	e.Action = indicator.ActionBlock
	if w.random.IntN(4) == 0 {
		e.Action = indicator.ActionAllow
	}
	e.Severity = indicator.Severity(1 + w.random.IntN(4))
	e.Confidence = indicator.Confidence(50 + w.random.IntN(3))
	e.Category = indicator.Category(w.pick("", "bot", "worm", "phishing"))
	if w.random.IntN(5) == 0 {
		e.Scope, e.Block = indicator.ScopeCIDR, w.block()
		return e
	}
	e.Scope = indicator.Scope(1 + w.random.IntN(3))
	e.Name = must(domainname.Parse(w.name(1 + w.random.IntN(4))))(t)
	return e
}

// checkAgainstOracle builds an index of random entries and compares its answers with those
// of the oracle.
func checkAgainstOracle(t *testing.T, seed uint64, entries, queries int) {
	t.Helper()
	w := world{rand.New(rand.NewPCG(seed, seed))}
	slow := oracle.New()
	var list []fed
	for range entries {
		e := w.entry(t)
		list = append(list, e)
		slow.Feed(e.feed, vetoesAll(e.feed))
		slow.Add(e.feed, e.Indicator)
	}
	x := open(t, build(t, list))
	if err := selfCheck(x, list, entries); err != nil {
		t.Fatal(err)
	}
	var got index.Match
	for range queries {
		q := query(t, w.name(1+w.random.IntN(6)))
		x.Match(q, &got)
		if want := slow.Match(q); !oracle.Equal(&got, &want) {
			t.Errorf("%s:\n got %s\nwant %s", q.Bytes(), describe(&got), describe(&want))
		}
		a := w.address()
		x.MatchAddr(a, &got)
		if want := slow.MatchAddr(a); !oracle.Equal(&got, &want) {
			t.Errorf("%s:\n got %s\nwant %s", a, describe(&got), describe(&want))
		}
	}
}

func TestIndex_againstOracle(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 2, 3, 5, 10, 40, 200, 1000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(20) {
				checkAgainstOracle(t, seed, size, 300)
			}
		})
	}
}

// FuzzMatch lets the fuzzer choose the seed and size of the world.
func FuzzMatch(f *testing.F) {
	f.Add(uint64(1), uint16(30))
	f.Fuzz(func(t *testing.T, seed uint64, size uint16) {
		checkAgainstOracle(t, seed, int(size%500), 100)
	})
}

// FuzzQuery looks up arbitrary names.
func FuzzQuery(f *testing.F) {
	entries := small(f)
	slow := oracle.New()
	for _, e := range entries {
		slow.Feed(e.feed, vetoesAll(e.feed))
		slow.Add(e.feed, e.Indicator)
	}
	x := open(f, build(f, entries))
	for _, name := range []string{"www.evil.example", "a\x00b.evil.example", `\.evil.example`, `x\`, "."} {
		f.Add([]byte(name))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var q domainname.Query
		bad := q.Set(raw) != nil
		var got index.Match
		x.Match(&q, &got)
		if want := slow.Match(&q); !oracle.Equal(&got, &want) || bad && got.Outcome != index.None {
			t.Errorf("%q:\n got %s\nwant %s", raw, describe(&got), describe(&want))
		}
	})
}

// The names have all lengths and share prefixes of all lengths. There are enough of them for
// many blocks of names and several blocks of the directory.
func TestIndex_manyNames(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 5))
	listed := map[string]bool{}
	var entries []fed
	for len(entries) < 5000 {
		name := randomName(random)
		if listed[name] {
			continue
		}
		listed[name] = true
		category := fmt.Sprintf("c%d", random.IntN(random.IntN(400)+1))
		entries = append(entries, parse(t, "a block name "+name+" medium 50 "+category))
	}
	x := open(t, build(t, entries))
	if err := x.SelfCheck(len(entries), reach.DefaultBounds()); err != nil {
		t.Fatal(err)
	}
	var m index.Match
	for _, e := range entries {
		if !x.Match(query(t, e.Name.String()), &m) || m.Category != e.Category || string(m.Indicator) != e.Name.String() {
			t.Errorf("%s: got %s, want category %s", e.Name, describe(&m), e.Category)
		}
	}
	for range 20_000 {
		if name := randomName(random); x.Match(query(t, name), &m) != listed[name] {
			t.Errorf("%s: got %s, listed is %v", name, describe(&m), listed[name])
		}
	}
}

// randomName returns a name of up to 253 octets, often with a long common suffix.
func randomName(random *rand.Rand) string {
	name := "example"
	if random.IntN(3) == 0 {
		name = strings.Repeat(strings.Repeat("x", 49)+".", random.IntN(4)) + "test"
	}
	for range 1 + random.IntN(4) {
		label := make([]byte, 1+random.IntN(12))
		for i := range label {
			label[i] = "abc0-_"[random.IntN(4+random.IntN(3))]
		}
		name = string(label) + "." + name
	}
	return name
}
