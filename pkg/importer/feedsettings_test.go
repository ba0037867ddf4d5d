package importer

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// A CDK app checks settings at synthesis, and the importer checks them when it runs. Both must
// know the same words, so a word that is added here must be added in pkg/settings too.
func TestSettings_knowTheSameWords(t *testing.T) {
	t.Parallel()
	var formats []string
	for _, format := range feed.Formats() {
		formats = append(formats, string(format))
	}
	if diff := cmp.Diff(formats, settings.FeedFormats()); diff != "" {
		t.Errorf("formats of pkg/feed and of pkg/settings:\n%s", diff)
	}
	var scopes, severities []string
	for scope := indicator.ScopeName; scope < indicator.ScopeCIDR; scope++ {
		scopes = append(scopes, scope.String())
	}
	for severity := indicator.SeverityLow; severity <= indicator.SeverityCritical; severity++ {
		severities = append(severities, severity.String())
	}
	if diff := cmp.Diff(scopes, settings.FeedScopes()); diff != "" {
		t.Errorf("scopes of pkg/indicator and of pkg/settings:\n%s", diff)
	}
	if diff := cmp.Diff(severities, settings.FeedSeverities()); diff != "" {
		t.Errorf("severities of pkg/indicator and of pkg/settings:\n%s", diff)
	}
}

func TestSettings_acceptTheSameFeedIDs(t *testing.T) {
	t.Parallel()
	ids := []string{"", "a", "default", "vendor.list_2-b", strings.Repeat("x", 64), strings.Repeat("x", 65), "ü", "a\n"}
	for c := range rune(128) {
		ids = append(ids, string(c), "a"+string(c))
	}
	for _, id := range ids {
		_, err := indicator.NewFeedID(id)
		if (err == nil) != (settings.CheckFeedID(id) == nil) {
			t.Errorf("feed id %q: pkg/indicator says %v, pkg/settings %v", id, err, settings.CheckFeedID(id))
		}
	}
	if settings.CheckFeedID(string(indicator.ManualFeed)) == nil {
		t.Error("the id of the manual feed is accepted")
	}
}

// The package that reads lists and the package that declares the settings both accept or both
// reject settings, for all combinations of members.
func TestNewFeedSettings_agreesWithValidate(t *testing.T) {
	t.Parallel()
	number := func(n int) *int { return &n }
	for _, format := range append([]string{"", "cvs", "CSV"}, settings.FeedFormats()...) {
		for _, column := range []string{"", "host"} {
			for _, confidence := range []*int{nil, number(-1), number(0), number(100), number(101)} {
				feed := settings.Feed{Format: format, Column: column, Confidence: confidence}
				wantAgreement(t, feed)
			}
		}
	}
	for _, word := range append(slices.Concat(settings.FeedScopes(), settings.FeedSeverities()), "HIGH", "cidr", "x") {
		wantAgreement(t, settings.Feed{Scope: word})
		wantAgreement(t, settings.Feed{Severity: word})
		wantAgreement(t, settings.Feed{Schedule: word})
	}
}

func wantAgreement(t *testing.T, feed settings.Feed) {
	t.Helper()
	_, err := list.NewOptions(feed)
	err = errors.Join(err, feed.ValidateSource())
	if checked := feed.Validate(); (err == nil) != (checked == nil) {
		t.Errorf("%+v\npkg/list: %v\npkg/settings: %v", feed, err, checked)
	}
}

func TestParseFeedSettings(t *testing.T) {
	t.Parallel()
	_, err := parseFeedSettings([]byte(`{"format":"cvs","scope":"all","severity":"bad","confidence":200,"maxAge":"soon"}`))
	for _, want := range []string{`format: "cvs"`, `scope: "all"`, `severity: "bad"`, "confidence: 200", `maxAge: "soon"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
	if _, err := parseFeedSettings([]byte(`{"format":"hosts","column":"host"}`)); err == nil {
		t.Error("a column of a hosts list is accepted")
	}
	got, err := parseFeedSettings([]byte(`{"category":" Phishing ","confidence":0,"maxAge":"2d"}`))
	if err != nil || got.Category != "phishing" || got.Confidence == nil || *got.Confidence != 0 || got.MaxAge.Hours() != 48 {
		t.Errorf("settings are %+v, %v", got, err)
	}
}
