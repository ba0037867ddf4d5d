package notifier

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Finding is a finding in the AWS Security Finding Format. Its texts fit into the limits of that
// format. Adapters leave out texts that are empty.
type Finding struct {
	ID          string
	ProductARN  string
	GeneratorID string
	AccountID   string // the account that runs the stack, because only it may import the finding

	CreatedAt, UpdatedAt          time.Time // UpdatedAt is later with each import
	FirstObservedAt, LastObserved time.Time

	Title, Description string
	Severity           string // LOW, MEDIUM, HIGH, CRITICAL or INFORMATIONAL
	OriginalSeverity   string
	Type               string
	Confidence         int
	Archived           bool // not in the list of active findings
	Sample             bool

	Resource FindingResource
	Fields   map[string]string // of the product
	Domain   string            // that was asked for
	Blocked  bool              // by DNS Firewall
	Threat   *FindingThreat
}

// FindingResource is the machine that a finding is about.
type FindingResource struct {
	Type, ID, Partition, Region string
	Details                     map[string]string
}

// FindingThreat is the indicator that a finding is about.
type FindingThreat struct {
	Type, Value, Category, Source string
	LastObserved                  time.Time
}

// Limits of the format in characters; ours are in bytes. See "Required top-level ASFF
// attributes" and "Optional top-level ASFF attributes" in the guide of Security Hub.
const (
	maxDescription = 1024
	maxField       = 2048
	maxSource      = 64
	maxDomain      = 128 // names have up to 255, so a long one is only in the fields
)

// home is where findings are imported.
type home struct{ productARN, partition, region, account string }

// parseProduct reads arn:<partition>:securityhub:<region>:<account>:product/<account>/default.
func parseProduct(arn string) (home, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "securityhub" || parts[3] == "" || !accountID.MatchString(parts[4]) ||
		parts[5] != "product/"+parts[4]+"/default" {
		return home{}, fmt.Errorf("productArn %q: must be arn:<partition>:securityhub:<region>:<account>:product/<account>/default", arn)
	}
	return home{productARN: arn, partition: parts[1], region: parts[3], account: parts[4]}, nil
}

// finding returns the finding of a claim. A host and an indicator keep their finding, which is
// updated by each import.
func (co *composer) finding(c *claim) Finding {
	row := &c.row
	value := defanged(row.Indicator)
	f := Finding{
		ID:          co.findingID(c.match),
		ProductARN:  co.home.productARN,
		GeneratorID: "resolverwatch/matches",
		AccountID:   co.home.account,
		CreatedAt:   c.sent.CreatedAt, UpdatedAt: c.sent.LeaseUntil.Add(-lease),
		FirstObservedAt: c.sent.FirstSeen, LastObserved: c.sent.LastSeen,
		Title:            "A host asked for a malicious name or address",
		Severity:         strings.ToUpper(co.findingSeverity(row).String()),
		OriginalSeverity: severityOf(row.Severity).String(),
		Type:             findingType(row.Category),
		Confidence:       min(max(row.Confidence, 0), 100),
		Resource:         co.resource(row),
		Fields:           findingFields(c),
		Domain:           domain(row),
		Blocked:          row.Firewall == "BLOCK",
		Threat:           threat(row, c.sent.LastSeen),
	}
	text := "The host " + plainAddress(row.SrcAddr) + " in " + plain(vpcID, row.VPCID) + " of account " + plain(accountID, row.AccountID)
	if isBehaviour(c.match) {
		f.Title, f.Domain, f.Threat = "Suspicious DNS behaviour of a host", "", nil
		f.Description = bounded(fmt.Sprintf("%s was found by the scheduled query %s: %s.", text, c.query, value), maxDescription)
	} else {
		f.Description = bounded(fmt.Sprintf("%s asked for %s, which is on a list of malicious names and addresses.", text, value), maxDescription)
	}
	if c.origin == alert.OriginHunt {
		f.GeneratorID = "resolverwatch/hunts/" + c.query
	}
	return f
}

// domain returns the name that was asked for, or "" if it is not a name or too long for the format.
func domain(row *alert.Row) string {
	name := shown(row.Matched, maxText)
	if row.Scope == indicator.ScopeCIDR.String() || len(name) > maxDomain || strings.TrimSpace(name) == "" {
		return ""
	}
	return name
}

// findingID returns the id of a finding. The last part depends on the key, so a finding belongs
// to exactly one row of the table, which knows when it was updated last.
func (co *composer) findingID(m *match) string {
	return strings.Join([]string{
		"resolverwatch", co.home.region, matching(accountID, m.row.AccountID), matching(vpcID, m.row.VPCID), addressOf(m.row.SrcAddr),
		digestOf(m.key)[:16],
	}, "/")
}

// findingSeverity returns the severity of a row, or the highest one of the settings.
func (co *composer) findingSeverity(row *alert.Row) indicator.Severity {
	return min(severityOf(row.Severity), severityOf(co.settings.MaxFindingSeverity))
}

// findingType returns a type of the taxonomy of findings.
func findingType(category string) string {
	switch strings.ToLower(category) {
	case "c2", "botnet_cc", "tunnel", "dga":
		return "TTPs/Command and Control"
	case "exfiltration":
		return "Effects/Data Exfiltration"
	case "phishing":
		return "TTPs/Initial Access"
	default:
		return "Unusual Behaviors/Network Flow"
	}
}

// resource returns the machine. Only the id of an instance names a resource of AWS; the rest is
// of type Other.
func (co *composer) resource(row *alert.Row) FindingResource {
	region := matching(regionName, row.Region)
	if region == other {
		region = co.home.region
	}
	if instanceID.MatchString(row.Instance) && accountID.MatchString(row.AccountID) {
		return FindingResource{
			Type: "AwsEc2Instance", Partition: co.home.partition, Region: region,
			ID: fmt.Sprintf("arn:%s:ec2:%s:%s:instance/%s", co.home.partition, region, row.AccountID, row.Instance),
		}
	}
	return FindingResource{
		Type: "Other", Partition: co.home.partition, Region: region,
		ID: strings.Join([]string{matching(accountID, row.AccountID), matching(vpcID, row.VPCID), addressOf(row.SrcAddr)}, "/"),
		Details: withoutEmpty(map[string]string{
			"AccountId":     shown(row.AccountID, maxWord),
			"VpcId":         shown(row.VPCID, maxWord),
			"SourceAddress": shown(row.SrcAddr, maxWord),
			"Source":        shown(row.Instance, maxWord), // such as the id of a Resolver endpoint
		}),
	}
}

func findingFields(c *claim) map[string]string {
	row := &c.row
	return withoutEmpty(map[string]string{
		"resolverwatch/AlertId":       c.id,
		"resolverwatch/Stack":         shown(c.stack, maxWord),
		"resolverwatch/AccountId":     shown(row.AccountID, maxWord),
		"resolverwatch/VpcId":         shown(row.VPCID, maxWord),
		"resolverwatch/SourceAddress": shown(row.SrcAddr, maxWord),
		"resolverwatch/Indicator":     shown(row.Indicator, maxText),
		"resolverwatch/Scope":         shown(row.Scope, maxWord),
		"resolverwatch/Matched":       shown(row.Matched, maxText),
		"resolverwatch/Category":      shown(row.Category, maxWord),
		"resolverwatch/Feeds":         shown(strings.Join(row.Feeds[:min(len(row.Feeds), maxFeeds)], " "), maxField),
		"resolverwatch/Firewall":      firewallOf(row.Firewall),
		"resolverwatch/Records":       strconv.Itoa(c.sent.Records + row.Records),
	})
}

// withoutEmpty removes the members that Security Hub would refuse, because they are blank.
func withoutEmpty(fields map[string]string) map[string]string {
	for name, value := range fields {
		if strings.TrimSpace(value) == "" {
			delete(fields, name)
		}
	}
	return fields
}

// threat returns the indicator, if it is of a type that the format knows. A block of addresses
// is not, but the address that matched is.
func threat(row *alert.Row, last time.Time) *FindingThreat {
	t := &FindingThreat{
		Type: "DOMAIN", Value: shown(row.Indicator, maxText), Category: threatCategory(row.Category),
		Source: shown(strings.Join(row.Feeds[:min(len(row.Feeds), maxFeeds)], " "), maxSource), LastObserved: last,
	}
	if row.Scope == indicator.ScopeCIDR.String() {
		address, err := netip.ParseAddr(row.Matched)
		if err != nil {
			return nil
		}
		t.Type, t.Value = "IPV6_ADDRESS", address.String()
		if address.Unmap().Is4() {
			t.Type, t.Value = "IPV4_ADDRESS", address.Unmap().String()
		}
	}
	if strings.TrimSpace(t.Value) == "" {
		return nil
	}
	return t
}

// threatCategory returns a category of the format, or "" if none fits.
func threatCategory(category string) string {
	switch strings.ToLower(category) {
	case "c2", "botnet_cc", "tunnel", "dga":
		return "COMMAND_AND_CONTROL"
	case "exfiltration":
		return "DROP_SITE"
	case "phishing", "malware", "exploit":
		return "EXPLOIT_SITE"
	default:
		return ""
	}
}
