package feed

import (
	"bytes"
	"regexp"
	"strconv"
)

// byteOrderMark is the UTF-8 one, which editors put before the first line.
var byteOrderMark = []byte{0xef, 0xbb, 0xbf}

// archives that are not read, by their first bytes.
var archives = []struct{ name, magic string }{
	{"gzip", "\x1f\x8b"},
	{"zstd", "\x28\xb5\x2f\xfd"},
	{"zip", "PK\x03\x04"},
	{"zip", "PK\x05\x06"},
	{"bzip2", "BZh91AY&SY"},
	{"xz", "\xfd7zXZ\x00"},
	{"7z", "7z\xbc\xaf\x27\x1c"},
	{"rar", "Rar!\x1a\x07"},
	{"lz4", "\x04\x22\x4d\x18"},
	{"PDF", "%PDF-"},
}

// tarMagic stands at this offset of a tar archive (POSIX.1 ustar).
const (
	tarMagic  = "ustar"
	tarOffset = 257
)

// checkText refuses what is no text, or text that is no list. compressed says that
// head comes out of an archive.
func checkText(head []byte, compressed bool) error {
	if name := archiveName(head); name != "" {
		if compressed {
			return refuse(ErrNested, 0, "%s", name)
		}
		return refuse(ErrArchive, 0, "%s", name)
	}
	if name := wideEncoding(head); name != "" {
		return refuse(ErrEncoding, 0, "%s", name)
	}
	if i := bytes.IndexByte(head, 0); i >= 0 {
		return refuse(ErrBinary, 1+bytes.Count(head[:i], []byte{'\n'}), "NUL at byte %d", i)
	}
	if text := trimLeft(head); len(text) > 0 && text[0] == '<' {
		return refuse(ErrPage, 1, "%s", pageTitle(text))
	}
	return nil
}

func archiveName(head []byte) string {
	for _, archive := range archives {
		if bytes.HasPrefix(head, []byte(archive.magic)) {
			return archive.name
		}
	}
	if len(head) > tarOffset && bytes.HasPrefix(head[tarOffset:], []byte(tarMagic)) {
		return "tar"
	}
	return ""
}

// wideEncoding names UTF-16 and UTF-32, by their mark or by where ASCII has zeros.
func wideEncoding(head []byte) string {
	switch {
	case len(head) < 2:
		return ""
	case bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(head, []byte("\x00\x00\xfe\xff")):
		return "UTF-32"
	case head[0] == 0xff && head[1] == 0xfe, head[0] == 0xfe && head[1] == 0xff:
		return "UTF-16"
	}
	// Without a mark: of the first characters all are ASCII, so that every other
	// byte is zero, and only those.
	const characters = 8
	if len(head) < 2*characters {
		return ""
	}
	zeros := [2]int{}
	for i, c := range head[:2*characters] {
		if c == 0 {
			zeros[i%2]++
		}
	}
	if zeros == [2]int{0, characters} || zeros == [2]int{characters, 0} {
		return "UTF-16 without a byte order mark"
	}
	return ""
}

// title finds what a page says it is: an HTML title, or the code of an S3 error.
var title = regexp.MustCompile(`(?is)<(?:title|code)[^>]*>([^<]{1,80})`)

const maxTitleSearch = 4 << 10 // bytes

func pageTitle(page []byte) string {
	if found := title.FindSubmatch(page[:min(len(page), maxTitleSearch)]); found != nil {
		return "it says " + strconv.Quote(string(bytes.TrimSpace(found[1])))
	}
	return "it begins with <"
}
