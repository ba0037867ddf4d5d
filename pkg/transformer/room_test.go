package transformer

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// squeeze compresses text as far as gzip can.
func squeeze(t testing.TB, text string) string {
	t.Helper()
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// bombs returns records of some KB that expand to 2 MiB, each of another kind of content.
func bombs(t testing.TB) map[string]string {
	t.Helper()
	const size = 2 << 20
	repeat := func(text string) string { return strings.Repeat(text, size/len(text)) }
	event := `{"message":"` + strings.ReplaceAll(evil, `"`, `\"`) + `"},`
	return map[string]string{
		"empty objects":       squeeze(t, repeat("{}")),
		"white space":         squeeze(t, repeat(" ")),
		"one long object":     squeeze(t, `{"a":"`+strings.Repeat("x", size-8)+`"}`),
		"malicious objects":   squeeze(t, repeat(evil)),
		"marked objects":      squeeze(t, repeat(`{"verdict":"clean","index_generation":1,"threat":{}}`)),
		"nested arrays":       squeeze(t, repeat("[")),
		"answers":             squeeze(t, `{"query_name":"a.test","answers":[`+strings.Repeat(`{"Rdata":"evil.example","Type":"CNAME"},`, size/41)+`{}]}`),
		"events":              squeeze(t, `{"messageType":"DATA_MESSAGE","logEvents":[`+strings.Repeat(event, size/len(event)-2)+event[:len(event)-1]+`]}`),
		"names of a member":   squeeze(t, `{`+strings.Repeat(`"a":1,`, size/6-4)+`"a":1}`),
		"more than the limit": squeeze(t, strings.Repeat("{}", size)),
	}
}

// neighbours are records of several sizes and shapes, with the verdict of each.
func neighbours(t testing.TB) (records []string, want string) {
	t.Helper()
	envelope := func(records ...string) string {
		var events []string
		for _, record := range records {
			quoted, err := json.Marshal(record)
			if err != nil {
				t.Fatal(err)
			}
			events = append(events, `{"id":"1","timestamp":1,"message":`+string(quoted)+`}`)
		}
		return `{"messageType":"DATA_MESSAGE","logEvents":[` + strings.Join(events, ",") + `]}`
	}
	long := strings.Repeat("n", 40_000)
	return []string{
			clean, evil, compress(t, clean), compress(t, envelope(clean, evil, clean)), "{\"query_name\":\"a.test\",\"padding\":\"" + long + "\"}",
			compress(t, envelope(many(evil, 200)...)), compress(t, `{"messageType":"CONTROL_MESSAGE","logEvents":[]}`),
		}, "clean@7 malicious@7 clean@7 clean@7 malicious@7 clean@7 clean@7 " +
			strings.Repeat("malicious@7 ", 200) + "Dropped"
}

// Hundreds of small records that expand to 2 MiB fail alone: the records before, between and
// after them are marked, and the invocation takes little time and memory.
func TestTransformer_Invoke_bombs(t *testing.T) {
	const (
		bombCount = 400
		maxTime   = 20 * time.Second // with time to spare for a slow machine; it takes less than a second
		maxBytes  = 128 << 20        // in all, most of it for records that came with a mark
	)
	around, want := neighbours(t)
	for name, bomb := range bombs(t) {
		t.Run(name, func(t *testing.T) {
			tr, _, _ := newTransformer(t, nil)
			invoke(t, tr, clean) // the index is loaded
			var records []string
			records = append(records, around...)
			records = append(records, many(bomb, bombCount/2)...)
			records = append(records, around...)
			records = append(records, many(bomb, bombCount/2)...)
			records = append(records, around...)
			in := event(records...)

			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			started := time.Now()
			response, err := tr.Invoke(context.Background(), in)
			took := time.Since(started)
			runtime.ReadMemStats(&after)
			if err != nil {
				t.Fatal(err)
			}

			answers := check(t, response, idsOf(records)...)
			n := len(around)
			for _, start := range []int{0, n + bombCount/2, 2*n + bombCount} {
				if got := words(t, answers[start:start+n]); got != want {
					t.Errorf("neighbours from %d: %.300s", start, got)
				}
			}
			allocated := after.TotalAlloc - before.TotalAlloc
			if took > maxTime || allocated > maxBytes {
				t.Errorf("%v and %d MiB", took, allocated>>20)
			}
			t.Logf("%d records of %d bytes: %v, %d MiB allocated", bombCount, len(bomb), took.Round(time.Millisecond), allocated>>20)
		})
	}
}

// Compressed records that are damaged take no part of what the records of an event may expand to
// beyond the usual ratio: only bytes that were expanded count.
func TestTransformer_Invoke_damagedCompressed(t *testing.T) {
	t.Parallel()
	const damaged = 100
	unusual := squeeze(t, `{"query_name":"evil.example","padding":"`+strings.Repeat("x", 1<<20)+`"}`)
	for name, record := range map[string]string{
		"no header":       unusual[:5],
		"a reserved flag": unusual[:3] + "\x80" + unusual[4:],
		"no content":      unusual[:12],
		"wrong content":   unusual[:10] + "\xff\xff\xff" + unusual[13:],
	} {
		tr, _, _ := newTransformer(t, nil)
		records := append(many(record, damaged), unusual)
		want := strings.Repeat("ProcessingFailed ", damaged) + "malicious@7"
		if got := words(t, invoke(t, tr, records...)); got != want {
			t.Errorf("%s: the record after them: %s", name, strings.ReplaceAll(got, "ProcessingFailed ", ""))
		}
	}
}

func idsOf(records []string) (ids []string) {
	for i := range records {
		ids = append(ids, fmt.Sprint(i))
	}
	return ids
}

// Once half of the time is over, compressed records fail without being expanded. The others are
// still looked up.
func TestTransformer_Invoke_expandingTime(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		after time.Duration // passes while the first record is marked
		want  string
	}{
		{"in time", 39 * time.Second, "malicious@7 clean@7 clean@7 clean@7"},
		{"no time for compressed records", 41 * time.Second, "malicious@7 ProcessingFailed clean@7 ProcessingFailed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var c *clock
			var log bytes.Buffer
			tr, _, c := newTransformer(t, func(config *Config) {
				config.Log = slog.New(slog.NewJSONHandler(&log, nil))
				config.onMark = func(m *verdict.Mark) {
					if m.Verdict == verdict.Malicious {
						c.advance(tt.after)
					}
				}
			})
			ctx := &deadline{context.Background(), c.now().Add(100 * time.Second)}
			records := []string{evil, compress(t, clean), clean, compress(t, clean)}
			response, err := tr.Invoke(ctx, event(records...))
			if err != nil {
				t.Fatal(err)
			}
			if got := words(t, check(t, response, idsOf(records)...)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if isLogged := strings.Contains(log.String(), errNoTime.Error()); isLogged != strings.Contains(tt.want, "Failed") {
				t.Errorf("log: %s", &log)
			}
		})
	}
}

// A record that takes all the room that nobody wants does not take the room of others.
func TestTransformer_Invoke_greedy(t *testing.T) {
	t.Parallel()
	long := func(size int) string { return `{"query_name":"a.test","padding":"` + strings.Repeat("x", size) + `"}` }
	small := many(`{"query_name":"evil.example","padding":"`+strings.Repeat("y", 300)+`"}`, 2_000)
	for _, tt := range []struct {
		name   string
		greedy string
	}{
		{"many objects", strings.Repeat("{}", 80_000)},
		{"compressed, many objects", squeeze(t, strings.Repeat("{}", 80_000))},
		{"compressed, one object", squeeze(t, long(1<<21-100))},
		{"compressed, in two parts", squeeze(t, long(1<<20)) + squeeze(t, "{}")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tr, _, _ := newTransformer(t, nil)
			records := append([]string{tt.greedy, tt.greedy, tt.greedy}, small...)
			got := words(t, invoke(t, tr, records...)[3:])
			if want := strings.TrimSpace(strings.Repeat("malicious@7 ", len(small))); got != want {
				t.Errorf("%d of %d neighbours are marked", strings.Count(got, "malicious@7"), len(small))
			}
		})
	}
}

// publishFeeds returns an index in which that many feeds with long ids list evil.example.
func publishFeeds(t testing.TB, feeds int) published {
	t.Helper()
	name, err := domainname.Parse("evil.example")
	if err != nil {
		t.Fatal(err)
	}
	b := index.NewBuilder()
	for i := range feeds {
		id := indicator.FeedID(fmt.Sprintf("%064d", i))
		b.Feed(id, false)
		if err := b.Add(id, &indicator.Indicator{
			Name: name, Scope: indicator.ScopeSubtree, Action: indicator.ActionBlock,
			Severity: indicator.SeverityMedium, Confidence: 50,
		}); err != nil {
			t.Fatal(err)
		}
	}
	object, err := b.Build(index.Options{Generation: 7, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	x, err := index.Open(object)
	if err != nil {
		t.Fatal(err)
	}
	info := x.Info()
	return published{index.Current{
		Generation: 7, Highest: 7, Hash: info.Checksum, ContentHash: info.ContentHash,
		Object: index.ObjectKey(7, info.Checksum), RenewedAt: start,
	}, object}
}

// However many feeds list a name, and however short its records are, a batch of the maximum
// size loses no record. If there is no room for a threat, the verdict is still there.
func TestTransformer_Invoke_manyFeeds(t *testing.T) {
	t.Parallel()
	for _, feeds := range []int{1, 16, 60, 400} {
		for _, padding := range []int{0, 300} {
			t.Run(fmt.Sprintf("%d feeds, padding %d", feeds, padding), func(t *testing.T) {
				t.Parallel()
				var metrics bytes.Buffer
				tr, s, _ := newTransformer(t, func(c *Config) { c.Metrics = &metrics })
				s.set(publishFeeds(t, feeds))
				rest := `","vpc_id":"vpc-0example","padding":"` + strings.Repeat("p", padding) + `"}`
				var records []string
				for size := 0; size < 1<<20; size += len(records[len(records)-1]) {
					name := "w.evil.example."
					if len(records)%10 == 9 {
						name = "neighbour.test."
					}
					records = append(records, `{"query_name":"`+name+rest)
				}
				shortened := 0
				for i, a := range invoke(t, tr, records...) {
					want := `"verdict":"malicious"`
					if i%10 == 9 {
						want = `"verdict":"clean"`
					}
					if *a.Result != "Ok" || !strings.Contains(a.lines, want) {
						t.Fatalf("record %d of %d is %s: %.300s", i, len(records), *a.Result, a.lines)
					}
					if i%10 != 9 && !strings.Contains(a.lines, `"feeds":["`) {
						shortened++
					}
				}
				if want := fmt.Sprintf(`"ShortenedMarks":%d,`, shortened); !strings.Contains(metrics.String(), want) {
					t.Errorf("metrics have not %s: %s", want, &metrics)
				}
				t.Logf("%d of %d records lost members of their threat", shortened, len(records))
			})
		}
	}
}

func TestDeclaredSize(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, record string
		want         int // -1 = none
	}{
		{"plain", clean, -1},
		{"empty", "", -1},
		{"magic alone", "\x1f\x8b\x08", -1},
		{"compressed", compress(t, clean), len(clean)},
		{"compressed, one byte of padding", compress(t, clean+"\n"), len(clean) + 1},
		{"a ratio that no log has", squeeze(t, strings.Repeat("{}", 1<<20)), -1},
		{"random text", compress(t, fmt.Sprint(bombs(t))), len(fmt.Sprint(bombs(t)))},
	} {
		for padding := range 3 { // in the name of the file, so that all lengths of base64 occur
			record := tt.record
			if len(record) > 10 && record[0] == 0x1f && padding > 0 {
				record = record[:3] + "\x08" + record[4:10] + strings.Repeat("n", padding-1) + "\x00" + record[10:]
			}
			size, ok := declaredSize([]byte(base64.StdEncoding.EncodeToString([]byte(record))))
			if ok != (tt.want >= 0) || ok && size != tt.want {
				t.Errorf("%s: %d, %t; want %d", tt.name, size, ok, tt.want)
			}
		}
	}
}

// The room is shared so that small wants are met in full.
func TestFairShare(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		wants      []int
		room, want int
	}{
		{[]int{10, 10, 10}, 30, maxResponseBytes},
		{[]int{10, 10, 10}, 29, 9},
		{[]int{1, 100, 100}, 101, 50},
		{[]int{1, 2, 1000}, 10, 7},
		{[]int{5, 5}, 0, 0},
		{nil, 0, maxResponseBytes},
	} {
		var records []record
		for _, want := range tt.wants {
			records = append(records, record{want: want})
		}
		if got := fairShare(records, tt.room); got != tt.want {
			t.Errorf("wants %v in %d: got %d, want %d", tt.wants, tt.room, got, tt.want)
		}
	}
}
