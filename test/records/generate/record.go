package generate

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/resolverwatch/resolverwatch/test/records/check"
)

// Generator makes records. A record depends only on the seed and on its number, so that one that
// failed can be made again without those before it. It is not safe for concurrent use.
type Generator struct {
	seed   uint64
	source rand.PCG
	random *rand.Rand
	number uint64 // of the current record, a part of its id
	zip    *gzip.Writer
	zipped bytes.Buffer
}

// New returns a generator with a seed, whose first record has this number.
func New(seed, first uint64) *Generator {
	g := &Generator{seed: seed, number: first - 1}
	g.random = rand.New(&g.source)
	g.zip = gzip.NewWriter(&g.zipped)
	return g
}

// begin begins the next record.
func (g *Generator) begin() {
	g.number++
	g.source.Seed(g.seed, g.number)
}

// Batch returns the records of one event.
func (g *Generator) Batch(records int) []check.Record {
	batch := make([]check.Record, records)
	for i := range batch {
		g.begin()
		batch[i] = g.record()
	}
	return batch
}

// Large returns records whose answers do not all fit into one response: small ones that grow by
// their marks, and compressed ones that expand.
func (g *Generator) Large() []check.Record {
	var batch []check.Record
	for size := 0; size < 3<<20; {
		g.begin()
		data := []byte(g.resolver())
		if g.random.IntN(400) == 0 {
			data = g.compress(strings.Repeat(g.resolver(), 1+g.random.IntN(2000)))
		}
		size += len(data)
		batch = append(batch, g.encoded(data))
	}
	return batch
}

// id returns an id that no other record has. Firehose's have digits only.
func (g *Generator) id() string {
	switch g.random.IntN(500) {
	case 0:
		return fmt.Sprintf("%d \"\\/\u2028<é>\t", g.number)
	case 1:
		return fmt.Sprintf("%d%s", g.number, strings.Repeat("9", 300))
	default:
		return fmt.Sprintf("496%053d", g.number)
	}
}

func (g *Generator) encoded(data []byte) check.Record {
	return check.Record{ID: g.id(), Data: base64.StdEncoding.EncodeToString(data)}
}

func (g *Generator) record() check.Record {
	switch g.random.IntN(2000) {
	case 0:
		return check.Record{ID: g.id(), Missing: true}
	case 1:
		return check.Record{ID: g.id(), Data: "e30"}
	case 2:
		return check.Record{ID: g.id(), Data: "not base64!"}
	case 3:
		return check.Record{ID: g.id(), Data: "e30=\r\n"}
	}

	data := g.data()
	if g.random.IntN(40) == 0 {
		data = g.damage(data)
	}
	return g.encoded(data)
}

// damage changes, removes or inserts some bytes.
func (g *Generator) damage(data []byte) []byte {
	data = bytes.Clone(data)
	for range 1 + g.random.IntN(3) {
		if len(data) == 0 {
			return data
		}
		at := g.random.IntN(len(data))
		switch g.random.IntN(4) {
		case 0:
			data[at] = byte(g.random.Uint32())
		case 1:
			data = data[:at]
		case 2:
			data = append(data[:at], data[at+1:]...)
		default:
			data = append(data[:at], append([]byte(pick(g.random, tokens)), data[at:]...)...)
		}
	}
	return data
}

// tokens are what damage inserts.
var tokens = []string{
	`"`, `\`, `\u00`, `\ud800`, `\ud83d\ude00`, `{`, `}`, `[`, `]`, `,`, `:`, "\n", "\x00", "\xff", "null", "1", `""`,
	`"verdict":"clean",`, `"Verdict":1,`, `"answers":[],`, `"query_name":"bad1.test",`, "{}", " ", "\ufeff",
}

// data returns the bytes of a record.
func (g *Generator) data() []byte {
	switch n := g.random.IntN(1000); {
	case n < 600:
		return []byte(g.resolver())
	case n < 800:
		return []byte(g.object())
	case n < 860:
		return []byte(g.several())
	case n < 900:
		return []byte(g.envelope())
	case n < 930:
		return g.compress(g.envelope())
	case n < 960:
		return []byte(g.marked())
	default:
		return g.broken()
	}
}

// several returns some objects with white space between them, or none.
func (g *Generator) several() string {
	var b strings.Builder
	for range g.random.IntN(6) {
		b.WriteString(g.object())
		b.WriteString(pick(g.random, []string{"", "\n", " ", "\r\n\t"}))
	}
	return b.String()
}

// envelope returns an envelope around some objects, of every kind.
func (g *Generator) envelope() string {
	var messages, events, objects []string
	for range g.random.IntN(5) {
		o := g.object()
		messages = append(messages, quote(o))
		events = append(events, fmt.Sprintf(`{"id":"%d","timestamp":%d,"message":%s}`, g.number, g.number, quote(o)))
		objects = append(objects, o)
	}

	head := `"owner":"012345678901","logGroup":"resolver","logStream":"s","subscriptionFilters":["f"],"logEvents":[`
	switch g.random.IntN(9) {
	case 0:
		return `{"messageType":"CONTROL_MESSAGE",` + head + strings.Join(events, ",") + `]}`
	case 1:
		return `{"events":[` + strings.Join(events, ",") + `],"nextToken":null}`
	case 2:
		return `{"Records":[` + strings.Join(objects, ",") + `]}`
	case 3:
		return `{"message":` + quote(strings.Join(objects, "\n")) + `}`
	case 4:
		return `{"message":` + g.object() + `}`
	case 5:
		return `{"messageType":"OTHER",` + head + strings.Join(events, ",") + `]}`
	case 6:
		return `{"message":` + pick(g.random, append(messages, `"plain words"`, `""`, "1", "null", `"{"`)) + `}`
	default:
		return `{"messageType":"DATA_MESSAGE",` + head + strings.Join(events, ",") + `]}`
	}
}

// marked returns an object that has members of a mark, right or wrong.
func (g *Generator) marked() string {
	mark := pick(g.random, []string{
		`"verdict":"clean","index_generation":7`,
		`"verdict":"unknown","verdict_reason":"no_index"`,
		`"verdict":"malicious","index_generation":7,"threat":{"indicator":"x","confidence":50}`,
		`"verdict":"evil"`,
		`"verdict":null`,
		`"verdict":"cl\u0065an"`,
		`"verdict":"clean","verdict":"clean"`,
		`"Verdict":"clean"`,
		`"threat":{}`,
		`"verdict":"clean","index_generation":"7"`,
		`"verdict":"clean","index_generation":1.5`,
		`"verdict":"malicious","threat":"evil"`,
		`"verdict":"malicious","threat":{"confidence":"high"}`,
		`"verdict_rea\u017fon":"x"`,
		`"INDEX_GENERATION":1`,
	})
	return strings.TrimSuffix(g.resolver(), "}") + "," + mark + "}"
}

// notRecords are texts that are not records, or records without a query name.
var notRecords = []string{
	"1", "null", `"text"`, "words", "<html>", "\ufeff{}", "{", "}", "{}", "{}{", "{},{}", `{"a":01}`, "\x00",
	`{"attemptsMade":4,"rawData":"e30="}`,
	`{"results":[[{"field":"@message","value":"{}"}]],"statistics":{}}`,
}

// broken returns data that is not a record, or an unusual one.
func (g *Generator) broken() []byte {
	r := g.random
	switch r.IntN(14) {
	case 0:
		return nil
	case 1:
		return []byte(" \r\n\t")
	case 2:
		return []byte(`[` + g.resolver() + `]`)
	case 3:
		return []byte(pick(r, notRecords))
	case 4:
		return []byte(strings.Repeat("[", r.IntN(200)))
	case 5:
		n := 55 + r.IntN(15)
		return []byte(`{"query_name":"bad1.test","x":` + strings.Repeat(`[`, n) + strings.Repeat(`]`, n) + `}`)
	case 6:
		zipped := g.compress(g.envelope())
		return zipped[:r.IntN(len(zipped))]
	case 7:
		return append(g.compress(g.resolver()), g.compress(g.object())...)
	case 8:
		return append(g.compress(g.resolver()), "trailing"...)
	case 9:
		return g.reserved()
	case 10:
		if r.IntN(40) == 0 {
			return g.compress(strings.Repeat(" ", 2<<20+r.IntN(2)) + "{}")
		}
		return g.compress("")
	case 11:
		return []byte(`{"query_name":"a.test","answers":` + pick(r, []string{"1", `"x"`, "true", "[1]", `[{},"x"]`, "null", "[null]", "[[]]", "{}"}) + `}`)
	case 12:
		return []byte(`{"query_name":"a.test","Answers":` + pick(r, []string{"1", `"x"`, "[]", "[false]"}) + `}`)
	default:
		return g.compress(string(g.compress(g.resolver()))) // twice, which nobody expands
	}
}

// reserved returns compressed data of one or two members, of which the last has a flag that no
// version of gzip defines.
func (g *Generator) reserved() []byte {
	const flagsAt = 3
	last := g.compress(pick(g.random, []string{"", g.resolver()}))
	last[flagsAt] |= 1 << (5 + g.random.IntN(3))
	if g.random.IntN(2) == 0 {
		return last
	}
	return append(g.compress(g.resolver()), last...)
}

func (g *Generator) compress(text string) []byte {
	g.zipped.Reset()
	g.zip.Reset(&g.zipped)
	if _, err := g.zip.Write([]byte(text)); err != nil {
		panic(err) // writing to memory does not fail
	}
	if err := g.zip.Close(); err != nil {
		panic(err)
	}
	return bytes.Clone(g.zipped.Bytes())
}

// quote returns text as a JSON string, and keeps bytes that are not UTF-8.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ':
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// quoteASCII returns text as encoding/json writes it for browsers: with many escapes.
func quoteASCII(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string can always be written
	}
	return string(quoted)
}
