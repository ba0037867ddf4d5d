package settings

import (
	"fmt"
	"log/slog"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	type inner struct {
		Percent float64 `json:"percent" min:"1" max:"100"`
	}
	type section struct {
		inner
		Count  int        `json:"count" min:"1"`
		Length Duration   `json:"length" min:"1s" max:"1h"`
		Wait   *Duration  `json:"wait" min:"0s" max:"15m"`
		Score  *int       `json:"score" min:"0" max:"100"`
		Word   string     `json:"word" oneof:"mark fail"`
		Any    string     `json:"any" oneof:"low high" anycase:"true"`
		Days   int        `json:"days" oneof:"1 3 5"`
		Level  slog.Level `json:"level" oneof:"debug info" anycase:"true"`
		Text   string     `json:"text" required:"true"`
		Below  inner      `json:"below"`
	}
	duration := func(d Duration) *Duration { return &d }
	for _, tc := range []struct {
		name string
		in   section
		want []string // Prop and Error of each problem
	}{{
		name: "unset",
	}, {
		name: "the lowest values",
		in: section{
			inner: inner{1}, Count: 1, Length: 1e9, Wait: duration(0), Score: new(0), Word: "mark", Any: "LOW", Days: 1, Level: slog.LevelDebug,
		},
	}, {
		name: "the highest values",
		in: section{
			inner: inner{100}, Count: math.MaxInt, Length: 3600e9, Wait: duration(900e9), Score: new(100), Word: "fail", Any: "High", Days: 5,
		},
	}, {
		name: "too low",
		in:   section{inner: inner{0.5}, Count: -1, Length: 1e9 - 1, Wait: duration(-1), Score: new(-1)},
		want: []string{
			"Percent percent: 0.5: must be in [1, 100]",
			"Count count: -1: must be at least 1",
			`Length length: "999.999999ms": must be in [1s, 1h]`,
			`Wait wait: "-1ns": must be in [0s, 15m]`,
			"Score score: -1: must be in [0, 100]",
		},
	}, {
		name: "too high",
		in:   section{Length: 3601e9, Wait: duration(3600e9), Score: new(101), Below: inner{101}},
		want: []string{
			`Length length: "3601s": must be in [1s, 1h]`,
			`Wait wait: "1h": must be in [0s, 15m]`,
			"Score score: 101: must be in [0, 100]",
			"Below.Percent below.percent: 101: must be in [1, 100]",
		},
	}, {
		name: "words",
		in:   section{Word: "Mark", Any: "medium", Days: 2, Level: slog.LevelWarn},
		want: []string{
			`Word word: "Mark": must be one of mark, fail`,
			`Any any: "medium": must be one of low, high`,
			"Days days: 2: must be one of 1, 3, 5",
			`Level level: "WARN": must be one of debug, info`,
		},
	}, {
		name: "not a number",
		in:   section{inner: inner{math.NaN()}, Below: inner{math.Inf(1)}},
		want: []string{
			"Percent percent: float64: must be in [1, 100]",
			"Below.Percent below.percent: float64: must be in [1, 100]",
		},
	}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, problem := range Check(tc.in) {
				got = append(got, fmt.Sprintf("%s %v", problem.Prop, problem))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
