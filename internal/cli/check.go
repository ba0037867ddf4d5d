package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/logfile"
	"github.com/resolverwatch/resolverwatch/internal/sighting"
	"github.com/resolverwatch/resolverwatch/internal/term"
	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/printable"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

func newCheck(std streams) *cobra.Command {
	var l lists
	var d deployment
	var form string
	var failOnMatch bool
	cmd := &cobra.Command{
		Use:   "check --feed LIST NAME...",
		Short: "Show the verdict on a name, and why",
		Long: `Check looks up names and addresses as the transformer does, and shows which entry of which
list decides the verdict. NAME may be an address, or text that people paste: a URL, host:port,
||name^, or text that was defanged. Check then says what it looked up. Text that can be
neither a name nor an address is an error, never clean: the others are still looked up, and
the exit code is 1. With - as NAME, check reads names from standard input, one on each line.
With --stack or --index-bucket it uses the current index of a deployed stack. ` + listHelp,
		Example: `  resolverwatch check --feed urlhaus.csv www.evil.example 192.0.2.1
  resolverwatch check --feed urlhaus.csv 'hxxps://evil[.]example/login'
  resolverwatch check --index lists.rwx -o json - < names.txt
  resolverwatch check --stack Resolverwatch www.evil.example`,
		Args: argCount(1, anyNumber, "nothing to check: name at least one NAME, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			x, err := loadIndex(cmd, &l, &d, std.err)
			if err != nil {
				return err
			}
			matched, err := checkAll(cmd.Context(), x, std, args, form)
			if err == nil && matched && failOnMatch {
				err = errMatch
			}
			return err
		},
	}
	l.register(cmd)
	l.registerFile(cmd)
	d.registerIndex(cmd)
	registerForm(cmd, &form, "", formText, formJSON, formCSV)
	cmd.Flags().BoolVar(&failOnMatch, "fail-on-match", false, "exit with code 3 if a name is malicious")
	return cmd
}

// loadIndex returns the index that the flags of lists name, or the current index of a deployed
// stack.
func loadIndex(cmd *cobra.Command, l *lists, d *deployment, messages io.Writer) (*index.Index, error) {
	if !d.isNamed(cmd) {
		return l.load(cmd, messages)
	}
	if l.areNamed() {
		return nil, usagef(cmd, "name either a deployed stack or lists, not both")
	}
	o, err := d.operator(cmd.Context(), d.needIndex())
	if err != nil {
		return nil, err
	}
	return o.Open(cmd.Context(), 0)
}

// checker looks up names and writes an answer for each.
type checker struct {
	index   *index.Index
	form    string
	out     *bufio.Writer
	colors  term.Colors
	errors  io.Writer
	matched bool // a name is malicious
	failed  bool // a name could not be looked up
}

// checkAll writes an answer for each name. matched means that one of them is malicious. The
// error is errReported if one of them could not be looked up.
func checkAll(ctx context.Context, x *index.Index, std streams, names []string, form string) (matched bool, err error) {
	c := &checker{index: x, form: form, out: bufio.NewWriter(std.out), colors: term.ColorsOf(std.out), errors: std.err}
	if form == formCSV {
		_, _ = c.out.Write(appendCSV(nil, answerColumns()...)) // an error comes back from the next write
	}
	for _, name := range names {
		if name == "-" {
			err = c.checkLines(logfile.NewLive(ctx, std.in))
		} else {
			err = c.check(name)
		}
		if err != nil {
			return c.matched, err
		}
	}
	if err := c.out.Flush(); err != nil {
		return c.matched, err
	}
	if c.failed {
		return c.matched, errReported
	}
	return c.matched, nil
}

// checkLines checks the names in a text, one on each line.
func (c *checker) checkLines(text io.Reader) error {
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" {
			if err := errors.Join(c.check(line), c.out.Flush()); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading names from standard input: %w", err)
	}
	return nil
}

// check writes the answer for one name, or reports that it cannot be looked up.
func (c *checker) check(text string) error {
	answer, err := checkText(c.index, text)
	if err != nil {
		c.failed = true
		fmt.Fprintf(c.errors, "resolverwatch: cannot look up \"%s\": %v\n", sighting.Printable(text), err)
		return nil
	}

	c.matched = c.matched || answer.Verdict == verdict.Malicious
	c.failed = c.failed || answer.Verdict == verdict.Unknown
	switch c.form {
	case formJSON:
		return json.NewEncoder(c.out).Encode(answer)
	case formCSV:
		_, err := c.out.Write(appendCSV(nil, answer.cells()...))
		return err
	}
	return answer.print(c.out, c.colors)
}

// answer is the verdict on one name, and why.
type answer struct {
	Name       string             `json:"name"`
	LookedUp   string             `json:"looked_up,omitempty"` // if it is not the name as it was given
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

// answerColumns are the columns of [answer.cells], with the names that they have in JSON.
func answerColumns() []string {
	return []string{"name", "looked_up", "verdict", "verdict_reason", "indicator", "scope", "feeds", "category", "severity",
		"confidence", "allowed_by", "why"}
}

// cells returns the answer as a row.
func (a *answer) cells() []string {
	confidence := ""
	if a.Confidence != nil {
		confidence = strconv.Itoa(int(*a.Confidence))
	}
	return []string{a.Name, a.LookedUp, string(a.Verdict), string(a.Reason), a.Indicator, a.Scope, sighting.JoinFeeds(a.Feeds),
		string(a.Category), a.Severity, confidence, a.AllowedBy, a.Why}
}

// checkText looks up the name or the address that text means. The error says why it means
// neither.
func checkText(x *index.Index, text string) (answer, error) {
	name, block, err := feed.ParseObservable(text)
	if err != nil {
		return answer{}, err
	}
	if name != "" {
		return checkName(x, text, name)
	}
	if !block.IsSingleIP() {
		return answer{}, errBlock
	}
	return checkAddress(x, text, block.Addr()), nil
}

// errBlock reports a block of addresses. Entries may cover parts of it.
var errBlock = errors.New("a block of addresses; check one of its addresses")

// checkAddress looks up an address and, as the transformer does, the IPv4 address that it
// carries.
func checkAddress(x *index.Index, text string, address netip.Addr) answer {
	a := answer{Name: text, Verdict: verdict.Clean}
	var m index.Match
	x.MatchAddr(address, &m)
	relation := "the address is in"
	if inner, ok := verdict.EmbeddedIPv4(address); ok {
		var carried index.Match
		x.MatchAddr(inner, &carried)
		if outweighs(&carried, &m) {
			m, relation = carried, fmt.Sprintf("the address carries %s, which is in", inner)
		}
	}
	a.explain(&m, relation)
	a.setLookedUp(address.String(), "")
	return a
}

// outweighs reports whether the match of a later part of a record decides over an earlier
// one.
func outweighs(later, earlier *index.Match) bool {
	if later.Outcome == index.Malicious && earlier.Outcome == index.Malicious {
		return later.Severity > earlier.Severity
	}
	return later.Outcome == index.Malicious || later.Outcome == index.Allowed && earlier.Outcome == index.None
}

// checkName looks up a name that text means.
func checkName(x *index.Index, text, name string) (answer, error) {
	a := answer{Name: text, Verdict: verdict.Clean}
	logged, err := asLogged(name)
	if err != nil {
		return answer{}, err
	}

	var query domainname.Query
	if err := query.Set([]byte(logged)); err != nil {
		a.Verdict, a.Reason, a.Why = verdict.Unknown, verdict.BadName, describeBadName(err)
		return a, nil
	}

	var m index.Match
	x.Match(&query, &m)
	relation := "the name is under"
	if bytes.Equal(m.Indicator, query.Bytes()) {
		relation = "the name is"
	}
	a.explain(&m, relation)
	note := ""
	if logged != name {
		note = ", its form in logs"
	}
	a.setLookedUp(logged, note)
	return a, nil
}

// setLookedUp says what was looked up, if it is not the text as it was given.
func (a *answer) setLookedUp(lookedUp, note string) {
	if lookedUp != strings.TrimSpace(a.Name) {
		a.LookedUp = lookedUp
		a.Why = "looked up as " + lookedUp + note + ": " + a.Why
	}
}

// asLogged returns a name in the form that logs have. Unicode labels become A-labels.
func asLogged(text string) (string, error) {
	if strings.IndexFunc(text, func(r rune) bool { return r >= 0x80 }) < 0 {
		return text, nil
	}
	name, err := domainname.Parse(text)
	if err != nil {
		return "", err
	}
	return name.String(), nil
}

func describeBadName(err error) string {
	for kind, why := range map[error]string{
		domainname.ErrEmpty:        "it is empty",
		domainname.ErrEmptyLabel:   "it has an empty label",
		domainname.ErrLabelTooLong: "it has a label of more than 63 octets",
		domainname.ErrNameTooLong:  "it has more than 255 octets",
	} {
		if errors.Is(err, kind) {
			return "not a valid DNS name: " + why
		}
	}
	return err.Error()
}

// explain fills in the answer from a match. relation says how the name or address relates to
// the indicator, such as "the name is under".
func (a *answer) explain(m *index.Match, relation string) {
	if m.Outcome == index.None {
		a.Why = "no entry matches"
		if m.AllowCovered {
			a.Why = "only an allow entry matches; answers to this query are not checked either"
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
		a.Why += fmt.Sprintf("; feed %s allows %s, which is at least as specific", m.AllowedBy.Feed, m.AllowedBy.Indicator)
	}
}

func listedBy(feeds []indicator.FeedID) string {
	if len(feeds) == 1 {
		return fmt.Sprintf("feed %s lists", feeds[0])
	}
	return fmt.Sprintf("feeds %s list", sighting.JoinFeeds(feeds))
}

func (a *answer) print(out io.Writer, colors term.Colors) error {
	verdict := colors.Word(fmt.Sprintf("%-10s", a.Verdict))
	lines := []string{verdict + " " + sighting.Printable(a.Name), "           " + printable.Line(a.Why)}
	if a.Indicator != "" {
		rating := fmt.Sprintf("           severity %s, confidence %d", colors.Word(a.Severity), *a.Confidence)
		if a.Category != "" {
			rating += ", category " + string(a.Category)
		}
		lines = append(lines, rating)
	}
	_, err := fmt.Fprintln(out, strings.Join(lines, "\n"))
	return err
}
