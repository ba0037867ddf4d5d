package notifier

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The kinds of notices.
const (
	kindAlerts = "alerts"
	kindStorm  = "storm"
	kindDigest = "digest"
	kindTest   = "test"
)

// maxSubject is SNS's limit for a subject.
const maxSubject = 100

// maxBody bounds a notice well below the 256 KiB of SNS.
const maxBody = 64 << 10

// alertNotice returns the notice about the alerts of an invocation. left sums up alerts for which
// earlier slots had no room.
func (co *composer) alertNotice(t, left *tally) Notice {
	hosts := len(t.Hosts)
	all := *t
	all.Severities = nil
	all.count(&tally{Severities: t.Severities}, 1)
	all.Hosts = slices.Clone(t.Hosts)
	all.add(left, noticeHosts)

	if !left.isEmpty() || all.CutRows > 0 || hosts > noticeHosts {
		subject := fmt.Sprintf("Resolverwatch: storm of %s, worst %s", counted(all.Alerts+all.CutRows, "alert"), all.worst())
		return co.notice(kindStorm, subject, &all)
	}
	subject := fmt.Sprintf("Resolverwatch: %s, worst %s", counted(hosts, "host"), all.worst())
	return co.notice(kindAlerts, subject, &all)
}

// digestNotice returns the summary of the alerts since the last one.
func (co *composer) digestNotice(t *tally) Notice {
	subject := fmt.Sprintf("Resolverwatch: summary of %s, worst %s", counted(t.Alerts+t.CutRows, "alert"), t.worst())
	return co.notice(kindDigest, subject, t)
}

// notice returns a notice with a fixed text and numbers as its subject.
func (co *composer) notice(kind, subject string, t *tally) Notice {
	var body strings.Builder
	fmt.Fprintf(&body, "Stack %s: %s, %s.\n", shown(co.settings.Stack, maxWord), counted(t.Alerts, "alert"), counted(t.Records, "record"))
	for _, severity := range []string{"critical", "high", "medium", "low"} {
		if t.Severities[severity] > 0 {
			fmt.Fprintf(&body, "  %s: %d\n", severity, t.Severities[severity])
		}
	}
	if t.CutRows > 0 || t.CutRecords > 0 {
		fmt.Fprintf(&body, "%s with %s did not fit into messages and are only counted.\n",
			counted(t.CutRows, "more alert"), counted(t.CutRecords, "record"))
	}

	named := 0
	for i := range t.Hosts {
		line := hostText(&t.Hosts[i])
		if i == noticeHosts || body.Len()+len(line) > maxBody {
			break
		}
		body.WriteString(line)
		named += t.Hosts[i].Alerts
	}
	if more := t.Alerts - named; more > 0 {
		fmt.Fprintf(&body, "\nand %s about other hosts.\n", counted(more, "alert"))
	}
	body.WriteString("\nNames are written with [.] so that nobody opens them by mistake.\n")
	return Notice{Subject: bounded(subject, maxSubject), Body: body.String(), Severity: t.worst(), Kind: kind}
}

// hostText returns the lines about one host.
func hostText(l *hostLine) string {
	var text strings.Builder
	fmt.Fprintf(&text, "\n%s: %s in %s of account %s", l.Severity,
		plainAddress(l.SrcAddr), plain(vpcID, l.VPCID), plain(accountID, l.AccountID))
	if l.Instance != "" {
		fmt.Fprintf(&text, " (%s)", plain(instanceID, l.Instance))
	}

	fmt.Fprintf(&text, "\n  %s", defanged(l.Indicator))
	if l.Category != "" {
		fmt.Fprintf(&text, ", %s", defanged(l.Category))
	}
	if l.Query != "" {
		fmt.Fprintf(&text, ", found by the query %s", l.Query)
	}
	if l.Alerts > 1 {
		fmt.Fprintf(&text, ", and %s", counted(l.Alerts-1, "other alert"))
	}

	fmt.Fprintf(&text, "\n  %s, %s to %s", counted(l.Records, "record"), l.FirstSeen.Format(time.RFC3339), l.LastSeen.Format(time.RFC3339))
	if l.Firewall != "none" {
		fmt.Fprintf(&text, ", DNS Firewall: %s", l.Firewall)
	}
	text.WriteByte('\n')
	return text.String()
}

// counted returns a number with its noun, such as "1 host" and "2 hosts".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
