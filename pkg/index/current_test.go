package index_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

const (
	hash        = "0123456789abcdef0123456789abcdef"
	contentHash = hash + hash
)

func validCurrent() index.Current {
	return index.Current{
		Generation: 7, Highest: 9, Object: "index/7-" + hash + ".rwx", Hash: hash, ContentHash: contentHash,
		RenewedAt: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Pinned: true,
		Feeds: []index.CurrentFeed{{ID: "a", VersionID: "v1", Count: 12}, {ID: "manual", Count: 0}},
	}
}

func TestCurrent_Encode(t *testing.T) {
	t.Parallel()
	c := validCurrent()
	got := must(c.Encode())(t)
	want := `{
  "generation": 7,
  "highest": 9,
  "object": "index/7-0123456789abcdef0123456789abcdef.rwx",
  "hash": "0123456789abcdef0123456789abcdef",
  "content_hash": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
  "renewed_at": "2026-11-23T12:00:00Z",
  "pinned": true,
  "feeds": [
    {
      "id": "a",
      "versionId": "v1",
      "count": 12
    },
    {
      "id": "manual",
      "versionId": "",
      "count": 0
    }
  ]
}
`
	if string(got) != want {
		t.Errorf("got %s", got)
	}
	if again := must(index.DecodeCurrent(got))(t); !reflect.DeepEqual(again, c) {
		t.Errorf("decoded again: %+v", again)
	}
	newer := strings.Replace(want, "{", `{"added_later": {"x": 1},`, 1)
	if again := must(index.DecodeCurrent([]byte(newer)))(t); !reflect.DeepEqual(again, c) {
		t.Errorf("with an unknown member: %+v", again)
	}
}

func TestCurrent_Validate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(c *index.Current)
		want   string // part of the error
	}{
		{"no generation", func(c *index.Current) { c.Generation = 0 }, "generation 0: must be in [1, highest], highest is 9"},
		{"above the highest", func(c *index.Current) { c.Generation = 10 }, "generation 10"},
		{"object of another generation", func(c *index.Current) { c.Generation = 8 }, "object"},
		{"object elsewhere", func(c *index.Current) { c.Object = "../" + c.Object }, "object"},
		{"upper-case hash", func(c *index.Current) { c.Hash = strings.ToUpper(c.Hash) }, "hash"},
		{"short content hash", func(c *index.Current) { c.ContentHash = hash }, "content_hash"},
		{"no time", func(c *index.Current) { c.RenewedAt = time.Time{} }, "renewed_at"},
		{"bad feed", func(c *index.Current) { c.Feeds[0].ID = "A B" }, `feed id "A B"`},
		{"repeated feed", func(c *index.Current) { c.Feeds[1].ID = "a" }, `feed "a": is listed twice`},
		{"beyond the largest number of JSON", func(c *index.Current) { c.Highest = 1 << 53 }, "highest 9007199254740992: must not be above"},
		{"the last number", func(c *index.Current) { c.Highest = math.MaxUint64 }, "highest 18446744073709551615"},
		{"a counter that wrapped around", func(c *index.Current) { c.Highest = 0 }, "generation 7: must be in [1, highest], highest is 0"},
		{"long snapshot", func(c *index.Current) { c.Feeds[0].Snapshot = strings.Repeat("s", 129) }, "snapshot must have"},
		{"negative bytes", func(c *index.Current) { c.Feeds[0].Bytes = -1 }, "bytes -1"},
		{"negative count", func(c *index.Current) { c.Feeds[0].Count = -1 }, "count -1"},
		{"long version", func(c *index.Current) { c.Feeds[0].VersionID = strings.Repeat("v", 1025) }, "versionId"},
	}
	for _, test := range tests {
		c := validCurrent()
		test.change(&c)
		_, encodeErr := c.Encode()
		data := must(json.Marshal(c))(t)
		_, decodeErr := index.DecodeCurrent(data)
		for _, err := range []error{encodeErr, decodeErr} {
			if !errors.Is(err, index.ErrCurrent) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: got %v, want %q", test.name, err, test.want)
			}
		}
	}
	err := (&index.Current{}).Validate()
	for _, want := range []string{"generation", "hash", "content_hash", "renewed_at"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("empty pointer: got %v, want an error that contains %q", err, want)
		}
	}
}

func TestDecodeCurrent_errors(t *testing.T) {
	t.Parallel()
	c := validCurrent()
	valid := must(c.Encode())(t)
	tests := map[string][]byte{
		"empty":       nil,
		"null":        []byte("null"),
		"truncated":   valid[:len(valid)-3],
		"two objects": append(bytes.Clone(valid), valid...),
		"wrong type":  bytes.Replace(valid, []byte(`"generation": 7`), []byte(`"generation": "7"`), 1),
		"fraction":    bytes.Replace(valid, []byte(`"generation": 7`), []byte(`"generation": 7.5`), 1),
		"negative":    bytes.Replace(valid, []byte(`"generation": 7`), []byte(`"generation": -7`), 1),
		"over 1 MiB":  append(bytes.Clone(valid), bytes.Repeat([]byte(" "), 1<<20)...),
	}
	for name, data := range tests {
		if _, err := index.DecodeCurrent(data); !errors.Is(err, index.ErrCurrent) {
			t.Errorf("%s: got %v, want ErrCurrent", name, err)
		}
	}
}

func FuzzDecodeCurrent(f *testing.F) {
	c := validCurrent()
	f.Add(must(c.Encode())(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := index.DecodeCurrent(data)
		if err != nil {
			return
		}
		again := must(index.DecodeCurrent(must(c.Encode())(t)))(t)
		if again.Object != c.Object || !again.RenewedAt.Equal(c.RenewedAt) || len(again.Feeds) != len(c.Feeds) {
			t.Errorf("%+v becomes %+v after a round trip", c, again)
		}
	})
}

func TestObjectKey(t *testing.T) {
	t.Parallel()
	key := index.ObjectKey(12, hash)
	if want := "index/12-" + hash + ".rwx"; key != want {
		t.Errorf("got %s, want %s", key, want)
	}
	if generation, checksum, ok := index.ParseObjectKey(key); generation != 12 || checksum != hash || !ok {
		t.Errorf("parsed: %d %s %v", generation, checksum, ok)
	}
	if got := index.ManifestKey(12); got != "index/12.json" {
		t.Errorf("manifest: got %s", got)
	}
	for _, other := range []string{
		"", index.CurrentKey, index.ManifestKey(12), "12-" + hash + ".rwx", "index/012-" + hash + ".rwx",
		"index/-12-" + hash + ".rwx", "index/12-" + hash, "index/12-" + hash[1:] + ".rwx", "index/index/12-" + hash + ".rwx",
	} {
		if _, _, ok := index.ParseObjectKey(other); ok {
			t.Errorf("%q is accepted as the key of an index file", other)
		}
	}
}

func TestCurrent_Check(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		ahead time.Duration // of the reader's clock
		ok    bool
	}{
		{"long ago", -365 * 24 * time.Hour, true},
		{"now", 0, true},
		{"a small clock skew", 5 * time.Minute, true},
		{"in the future", 5*time.Minute + time.Second, false},
		{"in another century", 100 * 365 * 24 * time.Hour, false},
	} {
		c := validCurrent()
		now := c.RenewedAt.Add(-tc.ahead)
		if err := c.Check(now); errors.Is(err, index.ErrCurrent) == tc.ok || (err == nil) != tc.ok {
			t.Errorf("%s: error %v", tc.name, err)
		}
	}
	invalid := index.Current{}
	if err := invalid.Check(time.Now()); !errors.Is(err, index.ErrCurrent) {
		t.Errorf("an invalid pointer: error %v", err)
	}
}

// A pointer that can be decoded but is not valid is returned with the error, so that a publish
// can repair it.
func TestDecodeCurrent_returnsWhatIsInvalid(t *testing.T) {
	t.Parallel()
	c := validCurrent()
	c.Highest = math.MaxUint64
	got, err := index.DecodeCurrent(must(json.Marshal(c))(t))
	if !errors.Is(err, index.ErrCurrent) || !reflect.DeepEqual(got, c) {
		t.Errorf("%+v, error %v", got, err)
	}
}

// A pointer has room for the largest number of feeds, whatever their ids and versions are.
func TestCurrent_Encode_mostFeeds(t *testing.T) {
	t.Parallel()
	c := validCurrent()
	c.Feeds = []index.CurrentFeed{{ID: "manual", Count: math.MaxInt}}
	for i := range index.MaxCurrentFeeds {
		c.Feeds = append(c.Feeds, index.CurrentFeed{
			ID:        indicator.FeedID(fmt.Sprintf("%064d", i)),
			VersionID: strings.Repeat("v", 1024),
			Count:     math.MaxInt,
			Snapshot:  strings.Repeat("s", 128),
			Bytes:     math.MaxInt64,
			VetoesAll: true,
		})
	}
	text := must(c.Encode())(t)
	t.Logf("%d feeds take %d bytes", len(c.Feeds), len(text))
	must(index.DecodeCurrent(text))(t)
}
