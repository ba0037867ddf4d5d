package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/sighting"
	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// formText is what a person reads; formJSON is one object a line.
const (
	formText = "text"
	formJSON = "json"
)

func newCheck(std streams) *cobra.Command {
	var l lists
	var d deployment
	var form string
	var failOnMatch bool
	cmd := &cobra.Command{
		Use:   "check --feed LIST NAME...",
		Short: "Say for names what the verdict on them is, and why",
		Long: `Check looks names and addresses up as the transformer would, and says which entry of
which list decides. NAME may be an address; - reads names from standard input, one a
line. With --stack or --index-bucket it asks the index that a deployed stack serves.
LIST is ` + listSyntax + `.`,
		Example: `  resolverwatch check --feed urlhaus.csv www.evil.example 192.0.2.1
  resolverwatch check --index lists.rwx -o json - < names.txt
  resolverwatch check --stack Resolverwatch www.evil.example`,
		Args: argCount(1, anyNumber, "nothing to check: name at least one NAME, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if form != formText && form != formJSON {
				return usagef(cmd, "output %q: must be text or json", form)
			}
			x, err := loadOrServed(cmd, &l, &d, std.err)
			if err != nil {
				return err
			}
			matched, err := checkAll(x, std, args, form)
			if err == nil && matched && failOnMatch {
				err = errMatch
			}
			return err
		},
	}
	l.register(cmd)
	l.registerFile(cmd)
	d.registerIndex(cmd)
	cmd.Flags().StringVarP(&form, "output", "o", formText, "`FORM`: text, or json with one object a line")
	cmd.Flags().BoolVar(&failOnMatch, "fail-on-match", false, "exit with code 3 if a name is malicious")
	return cmd
}

// loadOrServed returns the index that the flags of lists name, or that a deployed stack
// serves.
func loadOrServed(cmd *cobra.Command, l *lists, d *deployment, messages io.Writer) (*index.Index, error) {
	if !d.isNamed(cmd) {
		return l.load(cmd, messages)
	}
	if l.areNamed() {
		return nil, usagef(cmd, "a deployed stack and lists: name either")
	}
	o, err := d.operator(cmd.Context(), d.needIndex())
	if err != nil {
		return nil, err
	}
	return o.Open(cmd.Context(), 0)
}

// checkAll answers for each name, as they come.
func checkAll(x *index.Index, std streams, names []string, form string) (matched bool, err error) {
	out := bufio.NewWriter(std.out)
	one := func(name string) error {
		answer := checkName(x, name)
		matched = matched || answer.Verdict == verdict.Malicious
		if form == formJSON {
			return json.NewEncoder(out).Encode(answer)
		}
		return answer.print(out)
	}
	for _, name := range names {
		if name != "-" {
			if err := one(name); err != nil {
				return matched, err
			}
			continue
		}
		lines := bufio.NewScanner(std.in)
		for lines.Scan() {
			if line := strings.TrimSpace(lines.Text()); line != "" {
				if err := one(line); err != nil {
					return matched, err
				}
			}
		}
		if err := lines.Err(); err != nil {
			return matched, fmt.Errorf("reading names from standard input: %w", err)
		}
	}
	return matched, out.Flush()
}

// answer is what check says of one name.
type answer struct {
	Name       string             `json:"name"`
	Verdict    verdict.Verdict    `json:"verdict"`
	Reason     verdict.Reason     `json:"verdict_reason,omitempty"`
	Indicator  string             `json:"indicator,omitempty"`
	Scope      string             `json:"scope,omitempty"`
	Feeds      []indicator.FeedID `json:"feeds,omitempty"`
	Category   indicator.Category `json:"category,omitempty"`
	Severity   string             `json:"severity,omitempty"`
	Confidence *uint8             `json:"confidence,omitempty"`
	AllowedBy  string             `json:"allowed_by,omitempty"`
	Why        string             `json:"why"`
}

func checkName(x *index.Index, text string) answer {
	a := answer{Name: text, Verdict: verdict.Clean}
	var m index.Match
	if address, err := netip.ParseAddr(text); err == nil {
		x.MatchAddr(address, &m)
		a.explain(&m, "the address lies in")
		return a
	}
	var query domainname.Query
	looked := asLogged(text)
	if err := query.Set([]byte(looked)); err != nil {
		a.Verdict, a.Reason, a.Why = verdict.Unknown, verdict.BadName, describeBadName(err)
		return a
	}
	x.Match(&query, &m)
	relation := "the name lies under"
	if bytes.Equal(m.Indicator, query.Bytes()) {
		relation = "the name is"
	}
	a.explain(&m, relation)
	if looked != text {
		a.Why = "looked up as " + looked + ", as logs write it: " + a.Why
	}
	return a
}

// asLogged returns a name that a person typed as a log would have it: in A-labels.
func asLogged(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return r >= 0x80 }) < 0 {
		return text
	}
	name, err := domainname.Parse(text)
	if err != nil {
		return text
	}
	return name.String()
}

func describeBadName(err error) string {
	for kind, why := range map[error]string{
		domainname.ErrEmpty:        "there is no name",
		domainname.ErrEmptyLabel:   "it has an empty label",
		domainname.ErrLabelTooLong: "it has a label of over 63 octets",
		domainname.ErrNameTooLong:  "it has over 255 octets",
	} {
		if errors.Is(err, kind) {
			return "no DNS packet can hold this name: " + why
		}
	}
	return err.Error()
}

// explain takes over what a match says. The relation is how what was looked up lies
// to the indicator.
func (a *answer) explain(m *index.Match, relation string) {
	if m.Outcome == index.None {
		a.Why = "no entry covers it"
		if m.AllowCovered {
			a.Why += "; an allow list does, so answers to such a query are not checked either"
		}
		return
	}
	confidence := uint8(m.Confidence)
	a.Verdict = verdict.Malicious
	a.Indicator, a.Scope, a.Feeds = string(m.Indicator), m.Scope.String(), m.Feeds
	a.Category, a.Severity, a.Confidence = m.Category, m.Severity.String(), &confidence
	a.Why = fmt.Sprintf("%s %s, which %s with scope %s", relation, a.Indicator, listedBy(m.Feeds), a.Scope)
	if m.Outcome == index.Allowed {
		a.Verdict = verdict.Allowed
		a.AllowedBy = fmt.Sprintf("%s (%s)", m.AllowedBy.Indicator, m.AllowedBy.Feed)
		a.Why += fmt.Sprintf("; feed %s allows %s, which is no less deep", m.AllowedBy.Feed, m.AllowedBy.Indicator)
	}
}

func listedBy(feeds []indicator.FeedID) string {
	if len(feeds) == 1 {
		return fmt.Sprintf("feed %s lists", feeds[0])
	}
	return fmt.Sprintf("feeds %s list", sighting.JoinFeeds(feeds))
}

func (a *answer) print(out io.Writer) error {
	lines := []string{fmt.Sprintf("%-10s %s", a.Verdict, sighting.Printable(a.Name)), "           " + sighting.Wide(a.Why)}
	if a.Indicator != "" {
		rating := fmt.Sprintf("           severity %s, confidence %d", a.Severity, *a.Confidence)
		if a.Category != "" {
			rating += ", category " + string(a.Category)
		}
		lines = append(lines, rating)
	}
	_, err := fmt.Fprintln(out, strings.Join(lines, "\n"))
	return err
}
