package settings_test

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   string
		want time.Duration // 0 = an error
	}{
		{"90s", 90 * time.Second},
		{"36h", 36 * time.Hour},
		{"1h30m", 90 * time.Minute},
		{"7d", 7 * 24 * time.Hour},
		{"0d", 0},
		{"0s", 0},
		{"-1h", 0},
		{"1.5d", 0},
		{"99999999d", 0},
		{"", 0},
		{"d", 0},
		{"60", 0},
	} {
		got, err := settings.ParseDuration(tc.in)
		if got != tc.want || (err == nil) != (tc.want > 0) {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", tc.in, got, err, tc.want)
		}
	}
}

func TestDuration_String(t *testing.T) {
	t.Parallel()
	for want, in := range map[string]time.Duration{
		"0s":     0,
		"500ms":  500 * time.Millisecond,
		"90s":    90 * time.Second,
		"2m":     2 * time.Minute,
		"24h":    24 * time.Hour,
		"36h":    36 * time.Hour,
		"7d":     7 * 24 * time.Hour,
		"36500d": 36500 * 24 * time.Hour,
	} {
		if got := settings.Duration(in).String(); got != want {
			t.Errorf("%v is %q, want %q", in, got, want)
		}
	}
}

// A duration survives being written, in JSON too.
func TestDuration_roundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]time.Duration{1, time.Millisecond, time.Second, time.Minute, time.Hour, 24 * time.Hour}).Draw(t, "unit")
		want := settings.Duration(time.Duration(rapid.Uint16().Draw(t, "count")) * unit)
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got settings.Duration
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s is read as %v, want %v", text, got.Std(), want.Std())
		}
	})
}
