package fetch_test

import (
	"net/netip"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/fetch"
)

func TestIsPublic(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		address string
		want    bool
		why     string
	}{
		{"1.1.1.1", true, "public"},
		{"52.94.236.248", true, "an AWS endpoint"},
		{"2600:1f18::1", true, "public"},
		{"2a00:1450:4001:82a::200e", true, "public"},
		{"2001:4860:4860::8888", true, "outside 2001::/23"},
		{"::ffff:1.1.1.1", true, "a mapped IPv4 address"},
		{"64:ff9b::101:101", true, "1.1.1.1 through NAT64, as an IPv6-only subnet reaches it"},

		{"0.0.0.0", false, "this host"},
		{"0.1.2.3", false, "this network"},
		{"127.0.0.1", false, "loopback, where Lambda's runtime API listens"},
		{"127.255.255.254", false, "loopback"},
		{"169.254.169.254", false, "instance metadata"},
		{"169.254.170.2", false, "task credentials"},
		{"169.254.100.1", false, "Lambda's telemetry"},
		{"10.0.0.1", false, "private"},
		{"172.16.0.1", false, "private"},
		{"172.31.255.255", false, "private"},
		{"192.168.1.1", false, "private"},
		{"100.64.0.1", false, "shared address space, which EKS uses"},
		{"192.0.0.171", false, "DNS64 discovery"},
		{"192.0.2.1", false, "documentation"},
		{"198.51.100.1", false, "documentation"},
		{"203.0.113.1", false, "documentation"},
		{"192.88.99.1", false, "6to4 relay"},
		{"198.18.0.1", false, "benchmarks"},
		{"224.0.0.1", false, "multicast"},
		{"255.255.255.255", false, "broadcast"},
		{"::", false, "this host"},
		{"::1", false, "loopback"},
		{"fd00:ec2::254", false, "instance metadata"},
		{"fd00:ec2::23", false, "pod credentials"},
		{"fe80::1", false, "link-local"},
		{"fe80::1%eth0", false, "link-local with a zone"},
		{"2600::1%eth0", false, "a zone makes an address local"},
		{"fec0::1", false, "site-local"},
		{"ff02::1", false, "multicast"},
		{"2001:db8::1", false, "documentation"},
		{"3fff::1", false, "documentation"},
		{"100::1", false, "discard"},
		{"::ffff:127.0.0.1", false, "mapped loopback"},
		{"::ffff:169.254.169.254", false, "mapped metadata"},
		{"::127.0.0.1", false, "IPv4-compatible"},
		{"::ffff:0:127.0.0.1", false, "IPv4-translated"},
		{"64:ff9b::7f00:1", false, "127.0.0.1 through NAT64"},
		{"64:ff9b::a9fe:a9fe", false, "169.254.169.254 through NAT64"},
		{"64:ff9b::a00:1", false, "10.0.0.1 through NAT64"},
		{"64:ff9b:1::101:101", false, "local-use NAT64"},
		{"2002:101:101::1", false, "6to4"},
		{"2002:7f00:1::1", false, "6to4 of 127.0.0.1"},
		{"2001::1", false, "Teredo"},
		{"2001:0:a9fe:a9fe::1", false, "Teredo"},
		{"2001:10::1", false, "ORCHID"},
	} {
		if got := fetch.IsPublic(netip.MustParseAddr(tc.address)); got != tc.want {
			t.Errorf("IsPublic(%s) = %v, but it is %s", tc.address, got, tc.why)
		}
	}
	if fetch.IsPublic(netip.Addr{}) {
		t.Error("the zero address is public")
	}
}

// An address that is local according to the standard library is never public, in any of its
// forms.
func FuzzIsPublic(f *testing.F) {
	for _, seed := range []string{"1.1.1.1", "127.0.0.1", "::1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "fe80::1", "2600::1"} {
		f.Add(netip.MustParseAddr(seed).AsSlice())
	}
	f.Fuzz(func(t *testing.T, octets []byte) {
		address, ok := netip.AddrFromSlice(octets)
		if !ok {
			return
		}
		local := func(a netip.Addr) bool {
			return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified()
		}
		plain := address.Unmap()
		if fetch.IsPublic(address) && local(plain) {
			t.Errorf("%v is public", address)
		}
		if !plain.Is4() {
			return
		}
		four := plain.As4()
		nat64 := netip.AddrFrom16([16]byte{0, 0x64, 0xff, 0x9b, 12: four[0], four[1], four[2], four[3]})
		mapped := netip.AddrFrom16(plain.As16())
		if got := fetch.IsPublic(plain); fetch.IsPublic(mapped) != got || fetch.IsPublic(nat64) != got {
			t.Errorf("IsPublic differs for %v, %v and %v", plain, mapped, nat64)
		}
	})
}
