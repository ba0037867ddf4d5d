package domainname

import (
	"strings"

	"golang.org/x/net/publicsuffix"
)

// otherTLDs are top-level labels that the root zone does not have but that names end in:
// reserved ones (RFC 2606, RFC 6761, RFC 7686, RFC 9476, .internal by ICANN), those of local
// networks, and those of other roots, which malware uses: Namecoin, Emercoin, OpenNIC, Handshake's
// most common ones, and I2P.
var otherTLDs = wordSet("example test invalid localhost local localdomain onion alt internal " +
	"lan home corp intranet private " +
	"bit coin emc lib bazar i2p eth crypto " +
	"bbs chan cyb dyn epic fur geek gopher indy libre neo null o oss oz parody pirate free ku te ti uu")

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}

// HasKnownTLD reports whether the last label of a canonical name is a top-level domain, a
// reserved one, or one of another root. Names without such a label, as svcload.sys, never
// resolve: they are names of files, or come from a wrong column.
func HasKnownTLD(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	if otherTLDs[last] {
		return true
	}
	// The ICANN section of the public suffix list has every top-level domain. For some, such as ck,
	// it has only the suffixes under them.
	_, icann := publicsuffix.PublicSuffix("x." + last)
	return icann
}
