package athena_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// marked is a marked record, decoded by encoding/json.
type marked struct {
	Account   string          `json:"account_id"`
	VPC       string          `json:"vpc_id"`
	Address   string          `json:"srcaddr"`
	Timestamp string          `json:"query_timestamp"`
	Name      string          `json:"query_name"`
	RRtype    string          `json:"query_type"`
	RCODE     string          `json:"rcode"`
	Firewall  string          `json:"firewall_rule_action"`
	SourceIDs json.RawMessage `json:"srcids"`
	Answers   []answer        `json:"answers"`
	Verdict   string          `json:"verdict"`
	Reason    string          `json:"verdict_reason"`
	Threat    struct {
		Indicator  string   `json:"indicator"`
		Scope      string   `json:"scope"`
		Matched    string   `json:"matched"`
		Feeds      []string `json:"feeds"`
		Category   string   `json:"category"`
		Severity   string   `json:"severity"`
		Confidence int      `json:"confidence"`
	} `json:"threat"`

	text  string
	asked time.Time
}

// records decodes the lines of the period in values. It returns each record once, but every
// line that is not a record.
func records(t *testing.T, lines []line, values map[string]string) (all []marked) {
	t.Helper()
	seen := map[string]bool{}
	from, until := moment(values["from"], "2000-01-01"), moment(values["until"], "2100-01-01")
	for _, line := range lines {
		record := marked{text: string(line.text)}
		if json.Unmarshal(line.text, &record) == nil && seen[record.text] {
			continue
		}
		seen[record.text] = true
		record.asked = line.arrived.Truncate(24 * time.Hour)
		if asked, err := time.Parse(time.RFC3339, record.Timestamp); err == nil {
			record.asked = asked
		}
		if !record.asked.Before(from) && record.asked.Before(until) {
			all = append(all, record)
		}
	}
	return all
}

// moment parses a day or a time, or otherwise if text is empty.
func moment(text, otherwise string) time.Time {
	text = cmp.Or(text, otherwise)
	if len(text) == len(time.DateOnly) {
		text += "T00:00:00Z"
	}
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return moment
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// host is an address in a VPC of an account.
func (r *marked) host() string { return strings.Join([]string{r.Account, r.VPC, r.Address}, " ") }

func (r *marked) instance() string {
	var ids struct {
		Instance string `json:"instance"`
	}
	if json.Unmarshal(r.SourceIDs, &ids) != nil { // a list has no member for it
		return ""
	}
	return ids.Instance
}

// where returns the records that satisfy keep.
func where(records []marked, keep func(*marked) bool) (kept []marked) {
	for _, record := range records {
		if keep(&record) {
			kept = append(kept, record)
		}
	}
	return kept
}

func malicious(r *marked) bool { return r.Verdict == "malicious" }

// by groups records by a key. The keys are sorted.
func by(records []marked, key func(*marked) string) (keys []string, groups map[string][]marked) {
	groups = map[string][]marked{}
	for _, record := range records {
		k := key(&record)
		groups[k] = append(groups[k], record)
	}
	return slices.Sorted(maps.Keys(groups)), groups
}

// distinct returns the values of a field, sorted, without duplicates and empty values.
func distinct(records []marked, field func(*marked) string) []string {
	values := map[string]bool{}
	for _, record := range records {
		if value := field(&record); value != "" {
			values[value] = true
		}
	}
	return slices.Sorted(maps.Keys(values))
}

// joined returns NULL for an empty list, as SQL does.
func joined(values []string) any {
	if len(values) == 0 {
		return nil
	}
	return strings.Join(values, " ")
}

// span returns the times of the first and the last record.
func span(records []marked) (first, last string) {
	compare := func(a, b marked) int { return a.asked.Compare(b.asked) }
	return stamp(slices.MinFunc(records, compare).asked), stamp(slices.MaxFunc(records, compare).asked)
}

var severities = []string{"low", "medium", "high", "critical"}

func (r *marked) severity() int { return slices.Index(severities, r.Threat.Severity) }

// worst returns the record with the highest severity.
func worst(records []marked) *marked {
	found := slices.MaxFunc(records, func(a, b marked) int { return cmp.Compare(a.severity(), b.severity()) })
	return &found
}

func sortedKeys[V any](set map[string]V) []string { return slices.Sorted(maps.Keys(set)) }
