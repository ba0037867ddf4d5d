package hub_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/awsio/hub"
	"github.com/resolverwatch/resolverwatch/pkg/notifier"
	"github.com/resolverwatch/resolverwatch/test/localclient"
	"github.com/resolverwatch/resolverwatch/test/localsecurityhub"
)

var _ notifier.Hub = (*hub.Hub)(nil)

const home = "111122223333"

func connect(t *testing.T, config localsecurityhub.Config) (*hub.Hub, *localsecurityhub.Server) {
	t.Helper()
	config.Account, config.Region, config.Partition = home, "us-east-1", "aws"
	server := localsecurityhub.New(config)
	endpoint := httptest.NewServer(server)
	t.Cleanup(endpoint.Close)
	aws := localclient.Config(endpoint.URL)
	aws.RetryMaxAttempts = 1
	return hub.New(aws), server
}

func finding(id string, updated time.Time) notifier.Finding {
	return notifier.Finding{
		ID: id, ProductARN: "arn:aws:securityhub:us-east-1:" + home + ":product/" + home + "/default",
		GeneratorID: "resolverwatch/matches", AccountID: home,
		CreatedAt: updated.Add(-time.Hour), UpdatedAt: updated, FirstObservedAt: updated.Add(-time.Hour), LastObserved: updated,
		Title: "title", Description: "description", Severity: "HIGH", OriginalSeverity: "high", Type: "TTPs/Command and Control",
		Resource: notifier.FindingResource{Type: "Other", ID: "other/other/other", Partition: "aws", Region: "us-east-1"},
	}
}

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// A request has at most 100 findings.
func TestHub_Import_splits(t *testing.T) {
	t.Parallel()
	h, server := connect(t, localsecurityhub.Config{})
	var findings []notifier.Finding
	for n := range 250 {
		findings = append(findings, finding(fmt.Sprint("resolverwatch/", n), noon))
	}
	results := h.Import(t.Context(), findings)
	if len(results) != 250 || errors.Join(results...) != nil || server.Requests() != 3 || len(server.Findings()) != 250 {
		t.Errorf("%d findings by %d requests, %v", len(server.Findings()), server.Requests(), errors.Join(results...))
	}
}

// The result of each finding says whether another attempt makes sense.
func TestHub_Import_failedFindings(t *testing.T) {
	t.Parallel()
	h, _ := connect(t, localsecurityhub.Config{})
	foreign, invalid := finding("foreign", noon), finding("invalid", noon)
	foreign.AccountID = "444455556666"
	invalid.Title = strings.Repeat("secret.", 100)
	results := h.Import(t.Context(), []notifier.Finding{finding("good", noon), foreign, invalid})
	if results[0] != nil {
		t.Errorf("good finding: %v", results[0])
	}
	if err := results[1]; err == nil || errors.Is(err, notifier.ErrRefused) || !strings.Contains(err.Error(), "turn it on") {
		t.Errorf("foreign account: %v", err)
	}
	if err := results[2]; !errors.Is(err, notifier.ErrRefused) || strings.Contains(err.Error(), "secret") {
		t.Errorf("invalid finding: %v", err)
	}
}

// While Security Hub is off, nothing is refused for good.
func TestHub_Import_off(t *testing.T) {
	t.Parallel()
	h, server := connect(t, localsecurityhub.Config{IsOff: true})
	if err := h.Import(t.Context(), []notifier.Finding{finding("1", noon)})[0]; err == nil || errors.Is(err, notifier.ErrRefused) ||
		!strings.Contains(err.Error(), "InvalidAccess: Security Hub CSPM is not on") {
		t.Errorf("error %v", err)
	}
	server.TurnOn()
	if err := h.Import(t.Context(), []notifier.Finding{finding("1", noon)})[0]; err != nil {
		t.Error(err)
	}
}

// The errors of a whole request are those of each of its findings.
func TestHub_Import_requestFails(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"InvalidAccessException": "is not on",
		"InternalException":      "InternalException",
	} {
		h, _ := connect(t, localsecurityhub.Config{Fault: func() string { return code }})
		for _, err := range h.Import(t.Context(), []notifier.Finding{finding("1", noon), finding("2", noon)}) {
			if err == nil || errors.Is(err, notifier.ErrRefused) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", code, err)
			}
		}
	}
}

// An update counts only if it is later.
func TestHub_Import_updates(t *testing.T) {
	t.Parallel()
	h, server := connect(t, localsecurityhub.Config{})
	for _, at := range []time.Time{noon, noon, noon.Add(-time.Second), noon.Add(time.Millisecond)} {
		if err := h.Import(t.Context(), []notifier.Finding{finding("1", at)})[0]; err != nil {
			t.Fatal(err)
		}
	}
	if got := *server.Findings()["1"].UpdatedAt; got != "2026-11-30T12:00:00.001Z" || server.Ignored() != 2 {
		t.Errorf("updated at %s, %d ignored", got, server.Ignored())
	}
}
