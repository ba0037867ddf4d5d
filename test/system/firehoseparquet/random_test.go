package firehoseparquet_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/test/system/firehoseparquet"
)

// author generates random types, and JSON values of a type with the expected results.
type author struct{ *rand.Rand }

// typ returns a type and a function that generates values of it.
func (a author) typ(depth int) (string, func() (json string, want any)) {
	switch choice := a.IntN(8); {
	case depth > 0 && choice == 0:
		element, make := a.typ(depth - 1)
		return "array<" + element + ">", func() (string, any) { return a.array(make) }
	case depth > 0 && choice == 1:
		value, make := a.typ(depth - 1)
		return "map<string," + value + ">", func() (string, any) { return a.mapping(make) }
	case depth > 0 && choice == 2:
		return a.structure(depth - 1)
	case choice < 4:
		return "bigint", func() (string, any) { n := a.Int64() - a.Int64(); return fmt.Sprint(n), n }
	case choice < 5:
		return "boolean", func() (string, any) { b := a.IntN(2) == 0; return fmt.Sprint(b), b }
	case choice < 6:
		return "double", func() (string, any) { f := a.NormFloat64(); return fmt.Sprint(f), f }
	default:
		return "string", func() (string, any) { s := a.text(); return quote(s), s }
	}
}

func (a author) text() string {
	return strings.Repeat([]string{"", "a", "é", `"`, "\n", "{}", "null"}[a.IntN(7)], a.IntN(3))
}

func quote(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// orNull replaces one value in five with null.
func (a author) orNull(make func() (string, any)) (string, any) {
	if a.IntN(5) == 0 {
		return "null", nil
	}
	return make()
}

func (a author) array(make func() (string, any)) (string, any) {
	texts, values := []string{}, []any{}
	for range a.IntN(4) {
		text, value := a.orNull(make)
		texts, values = append(texts, text), append(values, value)
	}
	return "[" + strings.Join(texts, ",") + "]", values
}

func (a author) mapping(make func() (string, any)) (string, any) {
	texts, values := []string{}, map[string]any{}
	for i := range a.IntN(4) {
		text, value := a.orNull(make)
		texts, values[fmt.Sprintf("k%d", i)] = append(texts, fmt.Sprintf("%q: %s", fmt.Sprintf("K%d", i), text)), value
	}
	return "{" + strings.Join(texts, ",") + "}", values
}

func (a author) structure(depth int) (string, func() (string, any)) {
	var types []string
	var makers []func() (string, any)
	for i := range 1 + a.IntN(3) {
		text, make := a.typ(depth)
		types, makers = append(types, fmt.Sprintf("m%d:%s", i, text)), append(makers, make)
	}
	return "struct<" + strings.Join(types, ",") + ">", func() (string, any) { return a.object(makers) }
}

// object writes members in random case and order. It omits some members and adds unknown ones.
func (a author) object(makers []func() (string, any)) (string, any) {
	var texts []string
	values := map[string]any{}
	for i, make := range makers {
		name := fmt.Sprintf("m%d", i)
		values[name] = nil
		if a.IntN(6) == 0 {
			continue
		}
		text, value := a.orNull(make)
		values[name] = value
		if a.IntN(2) == 0 {
			name = strings.ToUpper(name)
		}
		texts = append(texts, quote(name)+":"+text)
	}
	if a.IntN(3) == 0 {
		texts = append(texts, `"unknown":{"m0":[1,{"m1":null}]}`)
	}
	a.Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
	return "{" + strings.Join(texts, ",") + "}", values
}

// Random records survive the conversion with random columns.
func TestRandom(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		a := author{rand.New(rand.NewPCG(seed, 0))}
		var columns []firehoseparquet.Column
		var makers []func() (string, any)
		for i := range 1 + a.IntN(5) {
			typ, make := a.typ(3)
			columns, makers = append(columns, firehoseparquet.Column{Name: fmt.Sprintf("m%d", i), Type: typ}), append(makers, make)
		}
		var records []string
		var want []map[string]any
		for range 1 + a.IntN(30) {
			text, row := a.object(makers)
			records, want = append(records, text), append(want, row.(map[string]any))
		}
		if a.IntN(2) == 0 {
			records = []string{strings.Join(records, "")}
		}
		if diff := cmp.Diff(want, converted(t, schema(t, columns...), records...)); diff != "" {
			t.Fatalf("seed %d, columns %v, records %q (-want +got):\n%s", seed, columns, records, diff)
		}
	}
}
