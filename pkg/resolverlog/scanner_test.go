package resolverlog_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
	"github.com/resolverwatch/resolverwatch/test/conformance/slowlog"
)

// Records in the shapes that Resolver has written, with example names and accounts.
const (
	record11 = `{"version":"1.100000","account_id":"012345678901","region":"eu-west-1","vpc_id":"vpc-0example",` +
		`"query_timestamp":"2026-11-23T10:00:00Z","query_name":"www.shop.example.","query_type":"A","query_class":"IN",` +
		`"rcode":"NOERROR","answers":[{"Rdata":"cdn.evil.example.","Type":"CNAME","Class":"IN"},` +
		`{"Rdata":"192.0.2.7","Type":"A","Class":"IN"}],"srcaddr":"10.0.0.5","srcport":"54321","transport":"UDP",` +
		`"srcids":{"instance":"i-0example","resolver_endpoint":"rslvr-in-0example"},"firewall_rule_action":"ALERT"}`
	recordPreview = `{"version":"1.000000","account_id":"012345678901","query_name":"7.2.0.192.in-addr.arpa.","query_type":"PTR",` +
		`"answers":[{"Address":"host.test. ","Type":"PTR","Class":"IN"}],"srcaddr":"10.0.0.5","srcids":["rni-0x","i-0example"]}`
	recordHyphen = `{"version":"1.000000","query_name":"a.test.","srcids":{"resolver-endpoint":"rslvr-in-0example"}}`
	recordBare   = `{"version":"1.1","query_name":"a.test"}`
)

// object is a comparable form of a [resolverlog.Object]. An unset text is "-".
type object struct {
	Bytes                                                          string
	QueryName, QueryType, Rcode                                    string
	Answers                                                        string
	AccountID, Region, VPCID, SourceAddr, Instance, FirewallAction string
	Verdict, Reserved, Clash                                       string
}

func text(t jsonscan.Text) string {
	if !t.IsSet() {
		return "-"
	}
	return string(t.Append(nil))
}

func snapshot(o *resolverlog.Object) object {
	var answers []string
	for _, a := range o.Answers {
		answers = append(answers, string(rune('0'+a.Index))+" "+text(a.Type)+" "+text(a.Rdata))
	}
	return object{
		string(o.Bytes), text(o.QueryName), text(o.QueryType), text(o.Rcode), strings.Join(answers, ", "),
		text(o.AccountID), text(o.Region), text(o.VPCID), text(o.SourceAddr), text(o.Instance), text(o.FirewallAction),
		text(o.Verdict), o.Reserved, o.Clash,
	}
}

func scan(record string) (objects []object, err error) {
	var s resolverlog.Scanner
	for s.Reset([]byte(record)); s.Next(); {
		objects = append(objects, snapshot(s.Object()))
	}
	return objects, s.Err()
}

// quote returns text as a JSON string.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}

func TestScanner_shapes(t *testing.T) {
	t.Parallel()
	want11 := object{
		record11, "www.shop.example.", "A", "NOERROR", "0 CNAME cdn.evil.example., 1 A 192.0.2.7",
		"012345678901", "eu-west-1", "vpc-0example", "10.0.0.5", "i-0example", "ALERT", "-", "", "",
	}
	wantPreview := object{
		recordPreview, "7.2.0.192.in-addr.arpa.", "PTR", "-", "0 PTR host.test. ",
		"012345678901", "-", "-", "10.0.0.5", "i-0example", "-", "-", "", "",
	}
	wantHyphen := object{recordHyphen, "a.test.", "-", "-", "", "-", "-", "-", "-", "-", "-", "-", "", ""}
	wantBare := object{recordBare, "a.test", "-", "-", "", "-", "-", "-", "-", "-", "-", "-", "", ""}
	event := func(message string) string { return `{"id":"1","timestamp":1,"message":` + quote(message) + `}` }

	for _, tt := range []struct {
		name   string
		record string
		want   []object
	}{
		{"empty", "", nil},
		{"white space", " \r\n\t", nil},
		{"version 1.1", record11, []object{want11}},
		{"preview", recordPreview, []object{wantPreview}},
		{"hyphen in the names of srcids", recordHyphen, []object{wantHyphen}},
		{"few members", recordBare, []object{wantBare}},
		{"one object per line", record11 + "\n" + recordBare + "\n", []object{want11, wantBare}},
		{"objects without white space", record11 + recordBare + recordPreview, []object{want11, wantBare, wantPreview}},
		{"message", `{"message":` + quote(record11) + `}`, []object{want11}},
		{"message with several objects", `{"message":` + quote(" "+record11+"\n"+recordBare) + `}` + recordBare, []object{want11, wantBare, wantBare}},
		{"blank message", `{"message":""}`, []object{{`{"message":""}`, "-", "-", "-", "", "-", "-", "-", "-", "-", "-", "-", "", ""}}},
		{"message in plain text", `{"message":"hello {}"}`, []object{{`{"message":"hello {}"}`, "-", "-", "-", "", "-", "-", "-", "-", "-", "-", "-", "", ""}}},
		{
			"message next to a query name", `{"message":"{}","query_name":"a.test"}`,
			[]object{{`{"message":"{}","query_name":"a.test"}`, "a.test", "-", "-", "", "-", "-", "-", "-", "-", "-", "-", "", ""}},
		},
		{
			"CloudWatch Logs",
			`{"messageType":"DATA_MESSAGE","owner":"012345678901","logEvents":[` + event(record11) + "," + event(recordBare) + `]}`,
			[]object{want11, wantBare},
		},
		{"CloudWatch Logs, no events", `{"messageType":"DATA_MESSAGE","logEvents":[]}`, nil},
		{"CloudWatch Logs, then more", `{"messageType":"DATA_MESSAGE","logEvents":[` + event(recordBare) + `]}` + record11, []object{wantBare, want11}},
		{"CloudWatch Logs, control", `{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"CWL CONTROL MESSAGE: checking"}]}`, nil},
		{"message that is an object", `{"message":` + record11 + `,"source":"s3"}`, []object{want11}},
		{
			"message that is another object", `{"message":{"text":"hello"}}`,
			[]object{{`{"message":{"text":"hello"}}`, "-", "-", "-", "", "-", "-", "-", "-", "-", "-", "-", "", ""}},
		},
		{"answer of FilterLogEvents", `{"events":[` + event(record11) + "," + event(recordBare) + `],"searchedLogStreams":[]}`, []object{want11, wantBare}},
		{"events whose message is an object", `{"events":[{"message":` + record11 + `}]}`, []object{want11}},
		{"Records", `{"Records":[` + record11 + "," + recordBare + `]}`, []object{want11, wantBare}},
		{"records of events", `{"records":[` + event(record11) + `]}` + recordBare, []object{want11, wantBare}},
		{
			"Records of another log", `{"Records":[{"eventName":"x"}]}`,
			[]object{{`{"Records":[{"eventName":"x"}]}`, "-", "-", "-", "", "-", "-", "-", "-", "-", "-", "-", "", ""}},
		},
		{"envelopes do not nest", `{"message":` + quote(`{"message":"{}"}`) + `}`, []object{{`{"message":"{}"}`, "-", "-", "-", "", "-", "-", "-", "-", "-", "-", "-", "", ""}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := scan(tt.record)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
		})
	}
}

func TestScanner_members(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		record string
		want   object // Bytes is filled in
	}{
		{"none", `{}`, object{}},
		{"exact case only", `{"Query_Name":"a.test","QUERY_NAME":"b.test"}`, object{}},
		{"last one counts", `{"query_name":"a.test","query_name":"b.test"}`, object{QueryName: "b.test"}},
		{"last one counts, even if it is not a string", `{"query_name":"a.test","query_name":null}`, object{}},
		{"escapes in a name", `{"query\u005fname":"\u0061.test"}`, object{QueryName: "a.test"}},
		{"unexpected types", `{"query_name":7,"rcode":{},"answers":"x","srcids":7,"vpc_id":[]}`, object{}},
		{"answers of unexpected types", `{"answers":[1,"x",null,[],{"Type":1,"Rdata":2},{"Type":"A"}]}`, object{Answers: "4 - -, 5 A -"}},
		{"single answer without an array", `{"answers":{"Class":"IN","Rdata":"192.0.2.1","Type":"A"}}`, object{Answers: "0 A 192.0.2.1"}},
		{"Rdata before Address", `{"answers":[{"Type":"A","Address":"192.0.2.1","Rdata":"192.0.2.2"}]}`, object{Answers: "0 A 192.0.2.2"}},
		{"lower case", `{"answers":[{"rdata":"192.0.2.1","type":"A","class":"IN"}]}`, object{Answers: "0 A 192.0.2.1"}},
		{"capitals", `{"answers":[{"RDATA":"192.0.2.1","TYPE":"A"},{"RData":"x.test.","tYpe":"CNAME"}]}`, object{Answers: "0 A 192.0.2.1, 1 CNAME x.test."}},
		{"address in lower case", `{"answers":[{"address":"192.0.2.1 ","type":"A"}]}`, object{Answers: "0 A 192.0.2.1 "}},
		{"last answers count", `{"answers":[{"Type":"A"}],"answers":[]}`, object{}},
		{"instance not first", `{"srcids":{"resolver_endpoint":"e","instance":"i-1"}}`, object{Instance: "i-1"}},
		{"first instance in a list", `{"srcids":["i-1","i-2"]}`, object{Instance: "i-1"}},
		{"verdict", `{"verdict":"clean","index_generation":7}`, object{Verdict: "clean", Reserved: "index_generation"}},
		{"verdict that is not a string", `{"verdict":true}`, object{Reserved: "verdict"}},
		{"our member in capitals", `{"VERDICT":"clean"}`, object{Reserved: "verdict", Clash: "verdict"}},
		{"our member with a long s", `{"verdict_rea\u017fon":"x"}`, object{Reserved: "verdict_reason", Clash: "verdict_reason"}},
		{"duplicate member of ours", `{"threat":1,"verdict":"clean","threat":2}`, object{Verdict: "clean", Reserved: "threat", Clash: "threat"}},
		{"our member below the top level", `{"srcids":{"Verdict":"x"}}`, object{}},
		{"similar to our members", `{"verdicts":1,"threa":2,"":3,"index-generation":4}`, object{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := scan(tt.record)
			if err != nil || len(got) != 1 {
				t.Fatalf("%d objects, error %v", len(got), err)
			}
			want := tt.want
			want.Bytes = tt.record
			for _, text := range []*string{
				&want.QueryName, &want.QueryType, &want.Rcode, &want.AccountID, &want.Region, &want.VPCID,
				&want.SourceAddr, &want.Instance, &want.FirewallAction, &want.Verdict,
			} {
				if *text == "" {
					*text = "-"
				}
			}
			if diff := cmp.Diff(want, got[0]); diff != "" {
				t.Errorf("object (-want +got):\n%s", diff)
			}
		})
	}
}

func TestScanner_errors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, record, want string
		objects            int // before the error
	}{
		{"text", "hello", "byte 0: want an object", 0},
		{"array", `[{}]`, "byte 0: want an object", 0},
		{"number", `7`, "byte 0: want an object", 0},
		{"truncated", record11[:100], "byte 100: want a closing quote, not the end of the text", 0},
		{"text after an object", `{} x`, "byte 3: want an object", 1},
		{"comma between objects", `{},{}`, "byte 2: want an object", 1},
		{"malformed second object", `{}{"a":01}`, "byte 8: want a comma or the end", 1},
		{"nested too deep", `{"a":` + strings.Repeat("[", 10_000), "byte 68: nested too deep", 0},
		{"malformed message", `{"message":"{]"}`, "reading a message: byte 1: want a member name", 0},
		{"log event of the wrong type", `{"messageType":"DATA_MESSAGE","logEvents":[7]}`, "reading a log event: byte 1: want an object", 0},
		{"log event without message", `{"messageType":"DATA_MESSAGE","logEvents":[{}]}`, "reading a log event: no message", 0},
		{"event without message", `{"events":[{"message":"{}"},{}]}`, "reading a log event: no message", 1},
		{"record of the wrong type", `{"Records":[{"query_name":"a.test"},7]}`, "reading a log event: byte 25: want an object", 1},
		{"set aside by Firehose", `{"attemptsMade":1,"rawData":"e30="}`, "record that Firehose set aside, in base64", 0},
		{"answer of GetQueryResults", `{"results":[[{"field":"@message","value":"{}"}]]}`, "answer of a query of Logs Insights", 0},
		{"log event in plain text", `{"messageType":"DATA_MESSAGE","logEvents":[{"message":"words"}]}`, "reading a message: byte 0: want an object", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := scan(tt.record)
			if err == nil || err.Error() != tt.want || len(got) != tt.objects {
				t.Errorf("%d objects, error %v; want %d, %s", len(got), err, tt.objects, tt.want)
			}
		})
	}
}

func TestScanner_More(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		record string
		want   bool
	}{
		{record11, false},
		{record11 + "\n", false},
		{`{"message":` + quote(record11) + `}`, false},
		{record11 + record11, true},
		{record11 + "x", true},
		{`{"message":` + quote(record11+"{") + `}`, true},
		{`{"messageType":"DATA_MESSAGE","logEvents":[{"message":"{}"}]}`, true},
	} {
		var s resolverlog.Scanner
		s.Reset([]byte(tt.record))
		if !s.Next() || s.More() != tt.want {
			t.Errorf("%.60s: got more %t, error %v", tt.record, s.More(), s.Err())
		}
	}
}

func TestScanner_allocatesNothing(t *testing.T) {
	records := [][]byte{
		[]byte(record11), []byte(recordPreview + recordHyphen), []byte(`{"message":` + quote(record11) + `}`),
		[]byte(`{"messageType":"DATA_MESSAGE","logEvents":[{"message":` + quote(record11) + `}]}`),
		[]byte(recordOCSF), []byte(`{"Records":[` + record11 + `]}`),
	}
	var s resolverlog.Scanner
	if n := testing.AllocsPerRun(100, func() {
		for _, record := range records {
			for s.Reset(record); s.Next(); {
			}
			if s.Err() != nil {
				t.Fail()
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzScanner compares the scanner with a reader that uses encoding/json.
func FuzzScanner(f *testing.F) {
	for _, seed := range []string{
		record11, recordPreview, recordHyphen + " " + recordBare,
		`{"message":` + quote(record11) + `}`,
		`{"messageType":"DATA_MESSAGE","logEvents":[{"message":` + quote(recordBare) + `}]}`,
		`{"query\u005fname":"\u00e9\ud83d\ude00` + "\xff" + `","VERDICT":1,"threat":{}}`,
		recordOCSF, `{"query":{"hostname":"a.test"},"cloud":{"account_uid":"1","account":{"uid":2}},"action":"denied","query_type":"A"}`,
		`{"message":` + record11 + `}{"records":[` + recordOCSF + `,{"message":{}}]}`,
		`{"events":[{"message":` + quote(recordBare) + `},{"query_name":""}],"query":{}}`,
		`{"rawData":"e30="}`, `{"results":[[{"field":"@message","value":"{}"}]]}`, `{"answers":[{"rdata":"x","TYPE":"A","Rdata":null}],"additional_properties":{"is_delayed":true}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		want, wantErr := slowlog.Parse(record)
		if errors.Is(wantErr, slowlog.ErrUnsure) {
			t.Skip(wantErr)
		}
		got, err := scan(string(record))
		shapes, wantShapes := shapes(string(record)), slowShapes(want)
		if diff := cmp.Diff(wantShapes, shapes); diff != "" && err == nil {
			t.Fatalf("shapes (-want +got):\n%s", diff)
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("error %v, want %v", err, wantErr)
		}
		if err != nil {
			return
		}
		for i := range got { // the oracle reports only whether there is such a member
			got[i].Reserved, got[i].Clash = presence(got[i].Reserved != ""), presence(got[i].Clash != "")
		}
		if diff := cmp.Diff(slowSnapshots(want), got); diff != "" {
			t.Fatalf("objects (-want +got):\n%s", diff)
		}
	})
}

func slowSnapshots(slow []slowlog.Object) (objects []object) {
	text := func(s *string) string {
		if s == nil {
			return "-"
		}
		return *s
	}
	for _, o := range slow {
		var answers []string
		for _, a := range o.Answers {
			answers = append(answers, string(rune('0'+a.Index))+" "+text(a.Type)+" "+text(a.Rdata))
		}
		fast := object{
			string(o.Bytes), text(o.Texts["query_name"]), text(o.Texts["query_type"]), text(o.Texts["rcode"]),
			strings.Join(answers, ", "), text(o.Texts["account_id"]), text(o.Texts["region"]), text(o.Texts["vpc_id"]),
			text(o.Texts["srcaddr"]), text(o.Instance), text(o.Texts["firewall_rule_action"]), text(o.Texts["verdict"]), presence(o.Reserved), presence(o.Clash),
		}
		objects = append(objects, fast)
	}
	return objects
}

func presence(present bool) string {
	if present {
		return "present"
	}
	return ""
}

// shapes returns the shape of each object, and whether it was delayed.
func shapes(record string) (all []string) {
	var s resolverlog.Scanner
	for s.Reset([]byte(record)); s.Next(); {
		all = append(all, fmt.Sprint(s.Object().Shape, s.Object().Delayed))
	}
	return all
}

func slowShapes(slow []slowlog.Object) (all []string) {
	for _, o := range slow {
		shape := resolverlog.ShapeOther
		switch {
		case o.OCSF:
			shape = resolverlog.ShapeOCSF
		case o.Texts["query_name"] != nil:
			shape = resolverlog.ShapeResolver
		}
		all = append(all, fmt.Sprint(shape, o.Delayed))
	}
	return all
}
