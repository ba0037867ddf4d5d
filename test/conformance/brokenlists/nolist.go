package brokenlists

import (
	"github.com/resolverwatch/resolverwatch/pkg/list"
)

// noLists returns files that servers and people deliver instead of a list.
func noLists() []List {
	return []List{
		{Name: "empty.txt", Wrong: "empty file", Want: "refused no_entries"},
		{Name: "blank-lines.txt", Wrong: "only blank lines", Want: "refused no_entries"},
		{Name: "only-comments.txt", Wrong: "only comments", Want: "refused no_entries"},
		{Name: "page-503.html", Wrong: "a web page that says 503", Want: "refused unreadable"},
		{Name: "page-named-json.json", Wrong: "a web page after blank lines", Want: "refused unreadable"},
		{Name: "page-behind-bom.txt", Wrong: "a web page after a byte order mark", Want: "refused unreadable"},
		{Name: "s3-access-denied.xml", Wrong: "an S3 error", Want: "refused unreadable"},
		{Name: "stix-1.xml", Wrong: "STIX 1, which is XML", Want: "refused unreadable"},
		{Name: "404.txt", Wrong: "the text 404: Not Found", Want: "refused unreadable"},
		{Name: "rate-limit.txt", Wrong: "a sentence about a quota", Want: "refused unreadable"},
		{Name: "git-lfs-pointer.txt", Wrong: "a Git LFS pointer", Want: "refused unreadable"},
		{Name: "merge-conflict.txt", Wrong: "merge conflict markers", Want: "refused unreadable"},
		{Name: "readme.md", Wrong: "prose", Want: "refused unreadable"},
		{Name: "checksums.txt", Wrong: "checksums of lists", Want: "refused unreadable"},
		{Name: "log-lines.txt", Wrong: "lines of a log", Want: "refused unreadable"},
		{Name: "sql-dump.sql", Wrong: "an SQL dump", Want: "refused unreadable"},
		{Name: "hashes-only.txt", Wrong: "only file hashes", Want: "refused no_entries, 3 skipped"},
		{Name: "mail-addresses.txt", Wrong: "only mail addresses", Want: "refused no_entries, 2 skipped"},
		{Name: "notes-with-names.txt", Wrong: "notes between a few names", Want: "refused too_many_invalid, 4 rejected"},
		{Name: "signed.txt", Wrong: "a PGP signature around the list", Want: "takes 6, 6 rejected, 1 single_label"},
	}
}

// archives returns archives, compressed lists, and lists that are too long.
func archives() []List {
	list := names(2000)
	bomb := repeated("evil.example\n", "# nothing but a comment, over and over again\n", 2<<20, "")
	return []List{
		{Name: "list.pdf", Wrong: "a PDF file", Want: "refused unreadable", made: text("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n")},
		{Name: "list.zip", Wrong: "a zip archive", Want: "refused unreadable", made: made(func() []byte { return zipped(list) })},
		{Name: "list.tar", Wrong: "a tar archive", Want: "refused unreadable", made: made(func() []byte { return tarred(list) })},
		{Name: "list.7z", Wrong: "a 7z archive", Want: "refused unreadable", made: text("7z\xbc\xaf\x27\x1c\x00\x04")},
		{Name: "list.xz", Wrong: "an xz archive", Want: "refused unreadable", made: text("\xfd7zXZ\x00\x00\x04")},
		{Name: "list.bz2", Wrong: "a bzip2 archive", Want: "refused unreadable", made: text("BZh91AY&SY\x00\x01")},
		{Name: "list.tar.gz", Wrong: "a tar archive in gzip", Want: "refused unreadable", made: made(func() []byte { return gzipped(text(string(tarred(list)))()) })},
		{Name: "list.zip.gz", Wrong: "a zip archive in gzip", Want: "refused unreadable", made: made(func() []byte { return gzipped(text(string(zipped(list)))()) })},
		{Name: "list.gz.gz", Wrong: "gzip in gzip", Want: "refused unreadable", made: made(func() []byte { return gzipped(text(string(gzipped(text(list)())))()) })},
		{Name: "list.gz.zst", Wrong: "gzip in zstd", Want: "refused unreadable", made: made(func() []byte { return zstandard(text(string(gzipped(text(list)())))()) })},
		{Name: "cut.gz", Wrong: "gzip, truncated in the middle", Want: "refused unreadable", made: made(func() []byte { return firstHalf(gzipped(text(list)())) })},
		{Name: "cut.zst", Wrong: "zstd, truncated in the middle", Want: "refused unreadable", made: made(func() []byte { return firstHalf(zstandard(text(list)())) })},
		{Name: "no-trailer.gz", Wrong: "gzip without its last byte", Want: "refused unreadable", made: made(func() []byte { return withoutLast(gzipped(text(list)()), 1) })},
		{Name: "checksum.gz", Wrong: "gzip with a wrong checksum", Want: "refused unreadable", made: made(func() []byte { return flipped(gzipped(text(list)()), 6) })},
		{Name: "text-behind.gz", Wrong: "gzip with text after it", Want: "refused unreadable", made: made(func() []byte { return append(gzipped(text(list)()), "evil.example\n"...) })},
		{Name: "page.gz", Wrong: "a web page in gzip", Want: "refused unreadable", made: made(func() []byte { return gzipped(text("<html></html>")()) })},
		{Name: "empty.gz", Wrong: "empty gzip", Want: "refused no_entries", made: made(func() []byte { return gzipped(text()()) })},
		{Name: "bomb.gz", Wrong: "344 kB of gzip that expands to 94 MB", Want: "refused too_large", made: made(func() []byte { return gzipped(bomb()) })},
		{Name: "bomb.zst", Wrong: "10 kB of zstd that expands to 94 MB", Want: "refused too_large", made: made(func() []byte { return zstandard(bomb()) })},
		{Name: "wide-window.zst", Wrong: "zstd that asks for 2 GiB of memory", Want: "refused too_large", made: text("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00")},
		{Name: "long-line.txt", Wrong: "a line of 64 MiB", Want: "refused unreadable", made: repeated("evil.example\n", "x", 64<<20, "\n")},
		{Name: "line-without-end.txt", Wrong: "64 MiB without a line end", Want: "refused unreadable", made: repeated("", "bad.example,", 64<<20/12, "")},
		{Name: "endless.txt", Wrong: "more than 256 MiB", Want: "refused too_large", made: repeated("evil.example\n", "# a comment of thirty-one bytes\n", 9<<20, "")},
	}
}

func firstHalf(packed []byte) []byte { return packed[:len(packed)/2] }

func withoutLast(packed []byte, n int) []byte { return packed[:len(packed)-n] }

// flipped flips a bit of a byte, which is counted from the end.
func flipped(packed []byte, fromEnd int) []byte {
	packed[len(packed)-fromEnd] ^= 1
	return packed
}

// characters returns lists in another encoding, or with characters that names cannot have.
func characters() []List {
	return []List{
		{Name: "utf16-le.txt", Wrong: "UTF-16", Want: "refused unreadable"},
		{Name: "utf16-be-no-bom.txt", Wrong: "UTF-16 without a byte order mark", Want: "refused unreadable"},
		{Name: "utf32-le.txt", Wrong: "UTF-32", Want: "refused unreadable"},
		{Name: "nul-tail.txt", Wrong: "NUL bytes at the end, as after a crash", Want: "refused unreadable"},
		{Name: "latin1-one-line.txt", Wrong: "one name in Latin-1", Want: "takes 30, 1 rejected"},
		{Name: "latin1.txt", Wrong: "all names in Latin-1", Want: "refused too_many_invalid no_entries, 30 rejected"},
		{Name: "mac-line-ends.txt", Wrong: "only CR as line end", Want: "refused unreadable"},
		{Name: "mac-line-ends-long.txt", Wrong: "only CR as line end, longer than the maximum line", Want: "refused unreadable"},
		{Name: "mixed-line-ends.txt", Wrong: "all kinds of line ends, tabs, a byte order mark", Want: "takes 4"},
		{Name: "control-characters.txt", Wrong: "escape sequences in names", Want: "takes 3, 3 rejected"},
		{Name: "formulas.txt", Wrong: "spreadsheet formulas", Want: "takes 2, 2 rejected, 1 skipped"},
		{Name: "escapes.txt", Wrong: "DNS, URL and HTML escapes", Want: "refused no_entries, 4 rejected"},
		{Name: "lookalikes.txt", Wrong: "lookalike letters and invisible characters", Want: "takes 4"},
		{Name: "long-names.txt", Wrong: "names and labels that are too long", Want: "takes 3, 3 rejected"},
		{Name: "empty-labels.txt", Wrong: "names with empty labels", Want: "takes 3, 4 rejected, 1 single_label"},
	}
}

// tooWide returns lists that would match half of the Internet, or the own network.
func tooWide() []List {
	return []List{
		{Name: "one-slash.txt", Wrong: "the line /", Want: "refused no_entries, 1 rejected"},
		{Name: "wildcards.txt", Wrong: "wildcards that cover everything", Want: "refused no_entries, 4 rejected, 2 skipped"},
		{Name: "top-level-domains.txt", Wrong: "top-level domains", Want: "refused no_entries, 5 single_label"},
		{Name: "suffixes-among-names.txt", Wrong: "public suffixes among names", Want: "refused public_suffixes, 7 public_suffix"},
		{Name: "lost-first-labels.txt", Wrong: "names that lost their first label", Want: "refused no_entries public_suffixes, 10 public_suffix"},
		{Name: "hosting-suffixes.txt", Wrong: "private suffixes of hosting companies", Want: "takes 1, 4 private_suffix"},
		{Name: "aws-names.txt", Wrong: "names of AWS", Want: "takes 1, 1 private_suffix, 4 protected"},
		{Name: "top-sites.txt", Wrong: "popular sites", Want: "refused no_entries, 1 private_suffix, 5 protected"},
		{Name: "shared-hosts.csv", Wrong: "shared hosts with malicious paths", Want: "takes 1, 3 shared_host"},
		{Name: "own-network.txt", Wrong: "names of the own network", Want: "takes 1, 3 protected, 2 single_label"},
		{Name: "wide-blocks.txt", Wrong: "blocks of millions of addresses", Want: "takes 1, 5 wide_block"},
		{Name: "every-block.txt", Wrong: "all blocks of 16 bits", made: text(everyBlock()),
			Want: "refused address_reach wide_blocks, 9046 special_address"},
		{Name: "many-networks.txt", Wrong: "thousands of networks of a few addresses each", made: text(manyNetworks(5000)),
			Want: "refused wide_blocks"},
		{Name: "private-addresses.txt", Wrong: "private and special addresses", Want: "refused no_entries, 11 special_address"},
		{Name: "odd-addresses.txt", Wrong: "ambiguous or invalid addresses", Want: "takes 6, 6 rejected"},
		{Name: "suffixes-to-allow.txt", Wrong: "an allow list with top-level domains", Want: "takes 1, 1 public_suffix, 1 single_label",
			Settings: list.Options{Action: allow}, made: text("com\nco.uk\ngood.example\n")},
	}
}
