package reach_test

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/resolverwatch/resolverwatch/pkg/reach"
)

func of(t testing.TB, blocks ...string) reach.Reach {
	t.Helper()
	var set reach.Set
	for _, text := range blocks {
		block, err := netip.ParsePrefix(text)
		if err != nil {
			t.Fatal(err)
		}
		set.Add(block)
	}
	return set.Reach()
}

func TestSet_Reach(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		blocks []string
		want   reach.Reach
	}{
		{"nothing", nil, reach.Reach{}},
		{"an address", []string{"192.0.2.1/32"}, reach.Reach{IPv4: 1}},
		{"a block", []string{"192.0.2.0/24"}, reach.Reach{IPv4: 256}},
		{"a block twice", []string{"192.0.2.0/24", "192.0.2.0/24"}, reach.Reach{IPv4: 256}},
		{"a block and parts of it", []string{"192.0.2.7/32", "192.0.2.128/25", "192.0.2.0/24"}, reach.Reach{IPv4: 256}},
		{"neighbours", []string{"192.0.2.128/25", "192.0.2.0/25"}, reach.Reach{IPv4: 256}},
		{"host bits are set", []string{"192.0.2.77/24"}, reach.Reach{IPv4: 256}},
		{"IPv4-mapped", []string{"::ffff:192.0.2.0/120", "192.0.2.0/25"}, reach.Reach{IPv4: 256}},
		{"private addresses", []string{"10.0.0.0/8", "192.168.1.1/32", "127.0.0.0/8"}, reach.Reach{}},
		{"more than a private block", []string{"8.0.0.0/6"}, reach.Reach{IPv4: 3 << 24}}, // 10/8 is inside
		{"all of IPv4", []string{"0.0.0.0/0"}, reach.Reach{IPv4: 1<<32 - (3+32)<<24 - 1<<22 - 1<<16 - 1<<20 - 256 - 256 - 1<<16 - 1<<17}},
		{"an IPv6 address", []string{"2001:db8::1/128"}, reach.Reach{IPv6: 1}},
		{"addresses of one network", []string{"2001:db8::1/128", "2001:db8::2/127"}, reach.Reach{IPv6: 1}},
		{"addresses of two networks", []string{"2001:db8::1/128", "2001:db8:0:1::/64"}, reach.Reach{IPv6: 2}},
		{"an IPv6 block", []string{"2001:db8::/48", "2001:db8::/60"}, reach.Reach{IPv6: 1 << 16}},
		{"local IPv6 addresses", []string{"fe80::/10", "fc00::/8", "::1/128"}, reach.Reach{}},
		{"both families", []string{"2001:db8::/32", "198.51.100.0/24"}, reach.Reach{IPv4: 256, IPv6: 1 << 32}},
	} {
		if got := of(t, test.blocks...); got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.want)
		}
	}
	if got := of(t, "::/0"); got.IPv6 < 1<<63 || !got.Exceeds(reach.DefaultBounds().Total) {
		t.Errorf("all of IPv6: got %+v", got)
	}
}

// All blocks that a guard lets pass are counted, whatever their lengths are: every block of
// one length together is the whole space.
func TestSet_Reach_everyBlockOfALength(t *testing.T) {
	t.Parallel()
	want := of(t, "0.0.0.0/0")
	for bits := range 17 {
		var set reach.Set
		for i := range 1 << bits {
			address := uint32(i) << (32 - bits)
			set.Add(netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(address >> 24), byte(address >> 16), byte(address >> 8), byte(address)}), bits))
		}
		if got := set.Reach(); got != want {
			t.Errorf("every /%d: %+v, want %+v", bits, got, want)
		}
	}
}

// slow counts the public addresses, or networks of 64 bits, of a small space one by one.
func slow(space netip.Prefix, step func(netip.Addr) netip.Addr, blocks []netip.Prefix) (count uint64) {
	for a := space.Addr(); space.Contains(a); a = step(a) {
		covered := false
		for _, block := range blocks {
			covered = covered || block.Contains(a)
		}
		for _, block := range reach.Special() {
			covered = covered && !block.Contains(a)
		}
		if covered {
			count++
		}
	}
	return count
}

func TestSet_Reach_likeCounting(t *testing.T) {
	t.Parallel()
	ipv4 := netip.MustParsePrefix("192.0.0.0/21") // begins with a special block
	ipv6 := netip.MustParsePrefix("100::/54")     // the first network is special
	ipv6Public := netip.MustParsePrefix("2001:200::/54")
	nextNetwork := func(a netip.Addr) netip.Addr {
		octets := a.As16()
		for i := 7; i >= 0; i-- {
			if octets[i]++; octets[i] != 0 {
				break
			}
		}
		return netip.AddrFrom16(octets)
	}
	rapid.Check(t, func(t *rapid.T) {
		space := rapid.SampledFrom([]netip.Prefix{ipv4, ipv6, ipv6Public}).Draw(t, "space")
		longest := 32
		if space.Addr().Is6() {
			longest = 64
		}
		blocks := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) netip.Prefix {
			bits := rapid.IntRange(space.Bits(), longest).Draw(t, "bits")
			offset := rapid.Uint16().Draw(t, "offset")
			octets := space.Masked().Addr().As16()
			last := len(octets) - 1
			if longest == 64 {
				last = 7
			}
			octets[last-1] |= byte(offset>>8) & (1<<((longest-space.Bits())%8) - 1)
			octets[last] |= byte(offset)
			address := netip.AddrFrom16(octets)
			if longest == 32 {
				address = address.Unmap()
			}
			return netip.PrefixFrom(address, bits).Masked()
		}), 0, 12).Draw(t, "blocks")

		var set reach.Set
		for _, block := range blocks {
			set.Add(block)
		}
		got, want := set.Reach(), reach.Reach{}
		if longest == 32 {
			want.IPv4 = slow(space.Masked(), netip.Addr.Next, blocks)
		} else {
			want.IPv6 = slow(space.Masked(), nextNetwork, blocks)
		}
		if got != want {
			t.Fatalf("reach of %v: %+v, counted %+v", blocks, got, want)
		}
	})
}

func TestReach_bounds(t *testing.T) {
	t.Parallel()
	widest := func(n int) (blocks []string) {
		for i := range n {
			blocks = append(blocks, netip.PrefixFrom(netip.AddrFrom4([4]byte{20, byte(i)}), 16).String())
		}
		return blocks
	}
	if got := of(t, append(widest(255), "21.0.0.0/16")...); got.Exceeds(reach.DefaultBounds().Feed) {
		t.Errorf("256 of the widest blocks exceed the bound of a feed: %v", got)
	}
	if got := of(t, append(widest(256), "21.0.0.1/32")...); !got.Exceeds(reach.DefaultBounds().Feed) {
		t.Errorf("256 of the widest blocks and an address do not exceed the bound of a feed: %v", got)
	}
	if got := of(t, "2600::/24"); got.Exceeds(reach.DefaultBounds().Feed) {
		t.Errorf("256 blocks of 32 bits exceed the bound of a feed: %v", got)
	}
	if got := of(t, "2600::/24", "2700::1/128"); !got.Exceeds(reach.DefaultBounds().Feed) {
		t.Errorf("one network too many does not exceed the bound: %v", got)
	}
	var twenty reach.Reach
	for range 20 {
		twenty = twenty.Plus(reach.DefaultBounds().Feed)
	}
	if twenty.Exceeds(reach.DefaultBounds().Total) {
		t.Errorf("twenty feeds of the largest size exceed the bound of an index: %v", twenty)
	}
}

func TestIsWide(t *testing.T) {
	t.Parallel()
	for block, want := range map[string]bool{
		"192.0.2.0/25": false, "192.0.2.0/24": true, "192.0.2.1/32": false, "198.51.0.0/16": true,
		"2001:db8::/49": false, "2001:db8::/48": true, "2001:db8::1/128": false, "2001:db8::/32": true,
	} {
		if got := reach.IsWide(netip.MustParsePrefix(block)); got != want {
			t.Errorf("%s: got %v, want %v", block, got, want)
		}
	}
}
