package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// mark is what a transformer adds to an object.
type mark struct {
	Verdict    string                     `json:"verdict"`
	Reason     string                     `json:"verdict_reason"`
	Generation *uint64                    `json:"index_generation"`
	Threat     map[string]json.RawMessage `json:"threat"`
}

// decodeMark decodes the end of a line: members, a brace and a line end.
func decodeMark(rest []byte) (*mark, error) {
	body, ended := bytes.CutSuffix(rest, []byte("}\n"))
	if !ended || bytes.ContainsAny(body, "\r\n\u2028\u2029\x7f") {
		return nil, errors.New("it is not one line")
	}
	var m mark
	d := json.NewDecoder(strings.NewReader("{" + string(body) + "}"))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, errors.New("something follows it")
	}
	for _, member := range walk([]byte("{" + string(body) + "}")) {
		if !slices.Contains(ourNames, member.name) {
			return nil, fmt.Errorf("it has a member %q", member.name)
		}
	}
	return &m, nil
}

// mark checks what a mark says about an object.
func (c *checker) mark(m *mark, o *object) error {
	d := c.state.decide(*o)
	if c.batch.MayExpire && c.state.Lists != nil && m.Reason == "timeout" {
		c.expired = true
	}
	if c.expired {
		d = decision{verdict: "unknown", reason: "timeout"}
	}
	c.count(&d)

	if m.Verdict != d.verdict || m.Reason != d.reason {
		return fmt.Errorf("the verdict is %q %q, not %q %q", m.Verdict, m.Reason, d.verdict, d.reason)
	}
	if err := c.generation(m); err != nil {
		return err
	}
	if d.verdict != "malicious" && d.verdict != "allowed" {
		if m.Threat != nil {
			return errors.New("there is a threat without a match")
		}
		return nil
	}
	err := d.threat(m.Threat, false)
	if err != nil && c.isCrowded() && (m.Threat == nil || d.threat(m.Threat, true) == nil) {
		return nil // a mark without its optional members
	}
	return err
}

func (c *checker) count(d *decision) {
	switch d.verdict {
	case "malicious":
		c.counts.Malicious++
	case "allowed":
		c.counts.Allowed++
	case "clean":
		c.counts.Clean++
	default:
		c.counts.Unknown++
	}
	if d.reason == "timeout" {
		c.counts.Timeouts++
	}
}

func (c *checker) generation(m *mark) error {
	switch {
	case c.state.Lists == nil && m.Generation == nil:
		return nil
	case c.state.Lists == nil:
		return fmt.Errorf("the generation is %d without an index", *m.Generation)
	case m.Generation == nil:
		return errors.New("the generation is missing")
	case *m.Generation != c.state.Lists.Generation:
		return fmt.Errorf("the generation is %d, not %d", *m.Generation, c.state.Lists.Generation)
	}
	return nil
}

// maxFeeds is the maximum number of feeds in a mark. It counts the others.
const maxFeeds = 16

// members returns the members that a threat must have. A brief one only counts the feeds.
func (d *decision) members(brief bool) (map[string]string, error) {
	listed := d.match.feeds[:min(len(d.match.feeds), maxFeeds)]
	if brief {
		listed = []string{}
	}
	feeds, err := json.Marshal(listed)
	members := map[string]string{
		"indicator":  d.match.indicator,
		"scope":      d.match.scope,
		"matched":    d.matched,
		"part":       d.part,
		"feeds":      string(feeds),
		"category":   d.match.category,
		"severity":   d.match.severity,
		"confidence": fmt.Sprint(d.match.confidence),
	}
	if d.match.allowedBy != "" && !brief {
		members["allowed_by"] = d.match.allowedBy
	}
	if d.moreParts > 0 && !brief {
		members["more_parts"] = fmt.Sprint(d.moreParts)
	}
	if more := len(d.match.feeds) - len(listed); more > 0 {
		members["more_feeds"] = fmt.Sprint(more)
	}
	return members, err
}

// threat checks the members of a threat.
func (d *decision) threat(got map[string]json.RawMessage, brief bool) error {
	want, err := d.members(brief)
	if err != nil {
		return err
	}
	for name, raw := range got {
		value := string(raw)
		if raw[0] == '"' {
			if err := json.Unmarshal(raw, &value); err != nil {
				return err
			}
		}
		if expected, known := want[name]; !known || value != expected {
			return fmt.Errorf("threat.%s is %q, not %q", name, value, expected)
		}
	}
	for name := range want {
		if _, found := got[name]; !found {
			return fmt.Errorf("threat.%s is missing", name)
		}
	}
	return nil
}
