package made

import (
	"fmt"
	"strings"
	"time"
)

// Family is a rule of generated names.
type Family struct {
	Name string
	make func(m *maker, i int) string // the label
	tlds []string
}

// words are what the families with dictionaries put together.
var words = strings.Fields(`amber anchor apple april arrow autumn badge basket beacon bridge bronze cabin candle canyon cedar
	circle cloud copper corner coral crystal desert dragon eagle ember falcon feather forest garden glacier granite
	harbor hazel island jasper journey kettle ladder lantern lemon linen maple marble meadow mirror morning north
	ocean olive orchid paper pepper pilot planet prairie quartz rabbit raven ribbon river rocket saddle shadow
	silver spring stone summer sunset thunder timber tulip valley velvet violet walnut willow winter yellow`)

const (
	vowels     = "aeiou"
	consonants = "bcdfghjklmnpqrstvwxz"
)

// random returns a rule of labels with random characters.
func random(low, high int, alphabet string) func(*maker, int) string {
	return func(m *maker, _ int) string { return m.chars(m.between(low, high), alphabet) }
}

// syllables returns a rule of labels that can be pronounced.
func syllables(low, high int, with string) func(*maker, int) string {
	return func(m *maker, _ int) string {
		var text strings.Builder
		for range m.between(low, high) {
			text.WriteString(m.chars(1, consonants) + m.chars(1, vowels))
		}
		return text.String() + with
	}
}

// dictionary returns a rule of labels from words.
func dictionary(count int, between string, end func(*maker) string) func(*maker, int) string {
	return func(m *maker, _ int) string {
		var parts []string
		for range count {
			parts = append(parts, pick(m, words))
		}
		return strings.Join(parts, between) + end(m)
	}
}

// dated returns a rule of labels that a hash of the date and a number gives.
func dated(alphabet string, size int, date string) func(*maker, int) string {
	return func(m *maker, i int) string {
		state := uint32(2166136261)
		for _, c := range fmt.Sprintf("%s#%d", Day.Format(date), i) {
			state = (state ^ uint32(c)) * 16777619
		}
		text := make([]byte, size)
		for j := range text {
			state = state*1664525 + 1013904223
			text[j] = alphabet[int(state>>16)%len(alphabet)]
		}
		return string(text)
	}
}

func none(*maker) string { return "" }

func number(m *maker) string { return fmt.Sprint(m.IntN(100)) }

var (
	oneTLD   = []string{"test"}
	twoTLDs  = []string{"test", "example"}
	manyTLDs = []string{"test", "example", "invalid", "zz", "xx", "qm", "xa"}
	country  = []string{"co.zz", "org.zz", "com.xx", "zz"}
	parents  = []string{"host1.zz", "host2.zz"} // dynamic DNS: one registrable domain for many
)

// families are 34 rules of generated names, by alphabet, length, TLDs and seed.
var families = []Family{
	{"letters, 5 to 7", random(5, 7, letters), manyTLDs},
	{"letters, 6", random(6, 6, letters), oneTLD},
	{"letters, 8 to 12", random(8, 12, letters), manyTLDs},
	{"letters, 12", random(12, 12, letters), twoTLDs},
	{"letters, 12 to 23", random(12, 23, letters), twoTLDs},
	{"letters, 16", random(16, 16, letters), country},
	{"letters, 20 to 30", random(20, 30, letters), oneTLD},
	{"letters a to y, 14", random(14, 14, "abcdefghijklmnopqrstuvwxy"), manyTLDs},
	{"letters a to p, 16", random(16, 16, "abcdefghijklmnop"), oneTLD},
	{"consonants, 10", random(10, 10, consonants), twoTLDs},
	{"consonants, 15 to 18", random(15, 18, consonants), manyTLDs},
	{"letters and digits, 8", random(8, 8, letters+digits), oneTLD},
	{"letters and digits, 10 to 16", random(10, 16, letters+digits), twoTLDs},
	{"letters and digits, 24 to 32", random(24, 32, letters+digits), manyTLDs},
	{"base32, 26", random(26, 26, "abcdefghijklmnopqrstuvwxyz234567"), oneTLD},
	{"hex, 8", random(8, 8, hexes), twoTLDs},
	{"hex, 16", random(16, 16, hexes), country},
	{"hex, 32", random(32, 32, hexes), manyTLDs},
	{"digits, 9", random(9, 9, digits), oneTLD},
	{"syllables, 3 to 4", syllables(3, 4, ""), manyTLDs},
	{"syllables, 4 to 6", syllables(4, 6, ""), twoTLDs},
	{"syllables and a constant", syllables(3, 3, "xyz"), oneTLD},
	{"date and number, letters, 11", dated(letters, 11, time.DateOnly), manyTLDs},
	{"date and number, hex, 34", dated(hexes, 34, time.DateOnly), oneTLD},
	{"week and number, letters, 18", dated(letters, 18, "2006-01"), twoTLDs},
	{"year and number, digits and letters, 7", dated(letters+digits, 7, "2006"), country},
	{"two words", dictionary(2, "", none), manyTLDs},
	{"two words with a hyphen", dictionary(2, "-", none), twoTLDs},
	{"three words", dictionary(3, "", none), oneTLD},
	{"two words and a number", dictionary(2, "", number), manyTLDs},
	{"word and number", dictionary(1, "", func(m *maker) string { return m.chars(4, digits) }), twoTLDs},
	{"word and letters", dictionary(1, "", func(m *maker) string { return m.chars(5, letters) }), country},
	{"letters, 7, with www", func(m *maker, _ int) string { return "www." + m.chars(7, letters) }, manyTLDs},
	{"letters, 9, under dynamic DNS", random(9, 9, letters), parents},
}

// Families returns the rules of generated names.
func Families() []Family { return families }

// FamilyPaces are how fast the hosts with generated names query.
var FamilyPaces = []string{"200 in an hour", "120 in a day"}

// families adds two hosts for each family. One of the names exists.
func (m *maker) families() {
	for _, family := range families {
		for _, speed := range FamilyPaces {
			host := m.host(Kind{Name: family.Name, Pace: speed, What: Generated})
			count, gap, start := 200, 18*time.Second, 9*time.Hour
			if speed == FamilyPaces[1] {
				count, gap, start = 120, 12*time.Minute, 0
			}
			for i := range count {
				rcode := nxDomain
				if i == count-1 {
					rcode = noError
				}
				host.ask(start+time.Duration(i)*gap, family.make(m, i)+"."+pick(m, family.tlds), rcode)
			}
			for range 100 {
				host.browse()
			}
		}
	}
}
