package snapshot

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// objects is a bucket in memory. A reader of a key gets the bodies in later, one at a time,
// after the first.
type objects struct {
	bodies map[string][]byte
	later  [][]byte
	read   int64 // bytes that were read
}

func (o *objects) Create(_ context.Context, key string, body []byte) error {
	o.bodies[key] = body
	return nil
}

func (o *objects) Read(_ context.Context, key string) (io.ReadCloser, error) {
	body, found := o.bodies[key]
	if !found {
		return nil, storage.ErrNotFound
	}
	if len(o.later) > 0 {
		o.bodies[key], o.later = o.later[0], o.later[1:]
	}
	return io.NopCloser(io.TeeReader(bytes.NewReader(body), o)), nil
}

func (o *objects) Write(p []byte) (int, error) {
	o.read += int64(len(p))
	return len(p), nil
}

// emptyFrame is a frame that zstd readers skip.
const emptyFrame = "\x50\x2A\x4D\x18\x00\x00\x00\x00"

func rewritten(t *testing.T, body []byte, from, to string) []byte {
	t.Helper()
	reader, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	text, err := reader.DecodeAll(body, nil)
	if err != nil {
		t.Fatal(err)
	}
	writer, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return writer.EncodeAll(bytes.ReplaceAll(text, []byte(from), []byte(to)), nil)
}

// A snapshot is what the key says that it is, or it is lost.
func TestStore_Open_anotherObject(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	bucket := &objects{bodies: map[string][]byte{}}
	store := NewStore(bucket, slog.New(slog.DiscardHandler))
	key, _, err := store.Create(ctx, Head{Feed: "f", Version: "v.1-2"}, readList(t, "evil.example\nworse.example\n"), "")
	if err != nil {
		t.Fatal(err)
	}
	if StemOf(key) != KeyStem("f", "v.1-2") {
		t.Errorf("the stem of %q is %q", key, StemOf(key))
	}
	good := slices.Clone(bucket.bodies[key])
	other := rewritten(t, good, "worse.example", "fine.example")
	bomb := slices.Concat(good, bytes.Repeat([]byte{0}, 32<<20))
	for _, tc := range []struct {
		name   string
		bodies [][]byte
		want   string // the entries, or "lost"
	}{
		{"the same", [][]byte{good}, "evil.example worse.example"},
		{"another entry", [][]byte{other}, "lost"},
		{"another entry after the check", [][]byte{good, other}, "lost"},
		{"the same text, but another stream", [][]byte{append(slices.Clone(good), emptyFrame...)}, "lost"},
		{"cut off", [][]byte{good[:len(good)-1]}, "lost"},
		{"empty", [][]byte{{}}, "lost"},
		{"much longer", [][]byte{bomb}, "lost"},
	} {
		bucket.bodies[key], bucket.later, bucket.read = tc.bodies[0], tc.bodies[1:], 0
		got := "lost"
		reader, err := store.Open(ctx, key)
		if err == nil {
			var lines []string
			if lines, err = drain(reader); err == nil {
				for i, line := range lines {
					lines[i], _, _ = strings.Cut(line, "\t")
				}
				got = strings.Join(lines, " ")
			}
			reader.Close()
		}
		if err != nil && !IsLost(err) {
			t.Errorf("%s: error %v", tc.name, err)
		}
		if got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
		if bucket.read > 1<<20 {
			t.Errorf("%s: %d bytes were read", tc.name, bucket.read)
		}
	}
}

// The keys of earlier versions have no hash. Their snapshots serve until the lists are read
// again.
func TestStore_Open_keyOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	const key = "accepted/f/v1.abcdefghijkl"
	bucket := &objects{bodies: map[string][]byte{key: snapshotOf(t, readList(t, "evil.example\n"), nil, day(1))}}
	reader, err := NewStore(bucket, slog.New(slog.DiscardHandler)).Open(context.Background(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if lines, err := drain(reader); err != nil || len(lines) != 1 {
		t.Errorf("%v, error %v", lines, err)
	}
}

// A list with the same names and other references has no new entries, but all are changed.
func TestStore_Create_countsChanges(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	store := NewStore(&objects{bodies: map[string][]byte{}}, slog.New(slog.DiscardHandler))
	base := ""
	for _, tc := range []struct {
		list string
		want Kept
	}{
		{"domain,reference\na.example,r1\nb.example,r1\n", Kept{}},
		{"domain,reference\na.example,r1\nb.example,r1\n", Kept{Entries: 2}},
		{"domain,reference\na.example,r2\nb.example,r1\nc.example,r2\n", Kept{Entries: 2, Changed: 1}},
	} {
		key, kept, err := store.Create(ctx, Head{Feed: "f", Version: "v", AcceptedAt: day(1)}, readList(t, tc.list), base)
		if err != nil {
			t.Fatal(err)
		}
		if kept != tc.want {
			t.Errorf("%q: %+v, want %+v", tc.list, kept, tc.want)
		}
		base = key
	}
}

// An entry does not keep the text of its whole line alive, because an index keeps the
// categories of its entries.
func TestReader_categoryIsACopy(t *testing.T) {
	t.Parallel()
	reader := openBody(t, snapshotOf(t, readList(t, "domain,category\na.example,phishing\nb.example,phishing\n"), nil, day(1)))
	var seen []indicator.Category
	for entry, err := reader.Next(); entry != nil; entry, err = reader.Next() {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, entry.Category)
	}
	if len(reader.categories) != 1 || len(seen) != 2 || seen[0] != seen[1] {
		t.Errorf("%d copies of %q", len(reader.categories), seen)
	}
}
