package sample

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
)

// logged is a query with its host and time.
type logged struct {
	query
	host Host
	time string
	port int
}

// shape writes a log object in the format of one version of Resolver.
type shape func(*logged) []byte

func shapes() []shape { return []shape{current, hyphenated, preview} }

// common contains the first members of all versions, in the order that Resolver uses.
type common struct {
	Version   string `json:"version"`
	AccountID string `json:"account_id"`
	Region    string `json:"region"`
	VPCID     string `json:"vpc_id"`
	Time      string `json:"query_timestamp"`
	Name      string `json:"query_name"`
	Type      string `json:"query_type"`
	Class     string `json:"query_class"`
	Rcode     string `json:"rcode"`
}

func (l *logged) common(version string) common {
	return common{version, l.host.accountID, "us-east-1", l.host.VPCID, l.time, l.name, l.kind, "IN", l.rcode}
}

// versioned contains the members of all versions since 1.
type versioned struct {
	common
	Answers   []answer          `json:"answers"`
	SrcAddr   string            `json:"srcaddr"`
	SrcPort   string            `json:"srcport"`
	Transport string            `json:"transport"`
	SrcIDs    map[string]string `json:"srcids"`
}

func (l *logged) versioned(version string, sources map[string]string) versioned {
	return versioned{l.common(version), l.answers, l.host.SrcAddr, fmt.Sprint(l.port), "UDP", sources}
}

// current writes version 1.100000. `srcids` is an object, and the members of DNS Firewall are
// present if a rule matched.
func current(l *logged) []byte {
	type firewall struct {
		Group  string `json:"firewall_rule_group_id,omitempty"`
		Action string `json:"firewall_rule_action,omitempty"`
		List   string `json:"firewall_domain_list_id,omitempty"`
	}
	var rule firewall
	if l.firewall != "" {
		rule = firewall{"rslvr-frg-01234567890abcdef", l.firewall, "rslvr-fdl-01234567890abcdef"}
	}
	return encode(struct {
		versioned
		firewall
	}{l.versioned("1.100000", map[string]string{"instance": l.host.Instance}), rule})
}

// hyphenated writes version 1.000000 for a query through a Resolver endpoint, where the member is
// spelled `resolver-endpoint`.
func hyphenated(l *logged) []byte {
	return encode(l.versioned("1.000000", map[string]string{"resolver-endpoint": "rslvr-in-0123456789abcdef0"}))
}

// preview writes the format before version 1: `Address` with a trailing space instead of `Rdata`,
// `srcids` as a list, and no transport.
func preview(l *logged) []byte {
	type oldAnswer struct{ Address, Type, Class string }
	answers := make([]oldAnswer, len(l.answers))
	for i, a := range l.answers {
		answers[i] = oldAnswer{a.Rdata + " ", a.Type, a.Class}
	}
	return encode(struct {
		common
		Answers []oldAnswer `json:"answers"`
		SrcAddr string      `json:"srcaddr"`
		SrcPort string      `json:"srcport"`
		SrcIDs  []string    `json:"srcids"`
	}{l.common("1.000000"), answers, l.host.SrcAddr, fmt.Sprint(l.port), []string{l.host.Instance}})
}

// envelope wraps log objects in a record.
type envelope struct {
	weight  int
	objects int // number of objects
	wrap    func(objects [][]byte) []byte
}

func envelopes() []envelope {
	newline, nothing := []byte("\n"), []byte(nil)
	return []envelope{
		{900, 1, func(o [][]byte) []byte { return append(o[0], '\n') }},
		{200, 1, func(o [][]byte) []byte { return o[0] }},
		{30, 1, message},
		{20, 3, func(o [][]byte) []byte { return append(bytes.Join(o, newline), '\n') }},
		{20, 2, func(o [][]byte) []byte { return bytes.Join(o, nothing) }},
		{20, 4, cloudWatch},
	}
}

// message is the envelope of the preview.
func message(objects [][]byte) []byte {
	return encode(struct {
		Message string `json:"message"`
	}{string(objects[0])})
}

type logEvent struct {
	ID        string `json:"id"`
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
}

// cloudWatch is the compressed envelope of a CloudWatch Logs subscription.
func cloudWatch(objects [][]byte) []byte {
	events := make([]logEvent, len(objects))
	for i, object := range objects {
		events[i] = logEvent{fmt.Sprintf("%056d", i), 1767225600000, string(object)}
	}
	return subscription("DATA_MESSAGE", events)
}

// control is the message that CloudWatch Logs sends to check its destination.
func control() []byte {
	const text = "CWL CONTROL MESSAGE: Checking health of destination Firehose."
	return subscription("CONTROL_MESSAGE", []logEvent{{"", 1767225600000, text}})
}

func subscription(kind string, events []logEvent) []byte {
	text := encode(struct {
		MessageType         string     `json:"messageType"`
		Owner               string     `json:"owner"`
		LogGroup            string     `json:"logGroup"`
		LogStream           string     `json:"logStream"`
		SubscriptionFilters []string   `json:"subscriptionFilters"`
		LogEvents           []logEvent `json:"logEvents"`
	}{kind, "111122223333", "/aws/route53resolver", "vpc", []string{"all"}, events})
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(text) // writing to a bytes.Buffer cannot fail
	_ = w.Close()
	return out.Bytes()
}

// encode writes JSON like Resolver, without escaping `<`, `>` and `&`.
func encode(value any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // structs of text always encode
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
