package localsecurityhub_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/test/localsecurityhub"
)

type object = map[string]any

func finding() object {
	return object{
		"SchemaVersion": "2018-10-08", "Id": "1", "ProductArn": "arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default",
		"GeneratorId": "g", "AwsAccountId": "111122223333", "CreatedAt": "2026-11-30T12:00:00Z", "UpdatedAt": "2026-11-30T12:00:00.5Z",
		"Title": "t", "Description": "d",
		"Resources":             []object{{"Type": "Other", "Id": "1"}},
		"FindingProviderFields": object{"Severity": object{"Label": "LOW"}, "Types": []string{"TTPs/Initial Access"}},
	}
}

// send imports findings and returns the status and the codes of those that failed.
func send(t *testing.T, server http.Handler, findings ...object) (status int, codes []string) {
	t.Helper()
	body, err := json.Marshal(object{"Findings": findings})
	if err != nil {
		t.Fatal(err)
	}
	recorder := httptest.NewRecorder()
	server.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/findings/import", strings.NewReader(string(body))))
	var out struct {
		FailedFindings []struct{ ErrorCode string }
	}
	if err := json.Unmarshal(recorder.Body.Bytes(), &out); err != nil {
		t.Fatal(err)
	}
	for _, failed := range out.FailedFindings {
		codes = append(codes, failed.ErrorCode)
	}
	return recorder.Code, codes
}

func newServer() *localsecurityhub.Server {
	return localsecurityhub.New(localsecurityhub.Config{Account: "111122223333", Region: "eu-west-1", Partition: "aws"})
}

// The hub refuses what AWS refuses.
func TestServer_refuses(t *testing.T) {
	t.Parallel()
	if _, codes := send(t, newServer(), finding()); len(codes) > 0 {
		t.Fatalf("a good finding: %v", codes)
	}
	resource := func(r object) any { return []object{r} }
	provider := func(severity string, types ...string) any {
		return object{"Severity": object{"Label": severity}, "Types": types}
	}
	threat := func(kind, value string) any { return []object{{"Type": kind, "Value": value}} }
	fields := map[string]string{}
	for n := range 51 {
		fields[fmt.Sprint(n)] = "x"
	}
	for _, tc := range []struct {
		name   string
		member string
		value  any // nil removes the member
		want   string
	}{
		{"foreign account", "AwsAccountId", "444455556666", "InvalidAccess"},
		{"foreign product", "ProductArn", "arn:aws:securityhub:eu-west-1::product/aws/guardduty", "InvalidAccess"},
		{"other schema", "SchemaVersion", "2018-10-09", "InvalidInput"},
		{"no title", "Title", nil, "InvalidInput"},
		{"blank title", "Title", " ", "InvalidInput"},
		{"long title", "Title", strings.Repeat("x", 257), "InvalidInput"},
		{"long description", "Description", strings.Repeat("x", 1025), "InvalidInput"},
		{"long id", "Id", strings.Repeat("x", 513), "InvalidInput"},
		{"no time", "UpdatedAt", nil, "InvalidInput"},
		{"bad time", "CreatedAt", "2026-11-30 12:00", "InvalidInput"},
		{"update before creation", "UpdatedAt", "2026-11-30T11:00:00Z", "InvalidInput"},
		{"severity at the top", "Severity", object{"Label": "LOW"}, "InvalidInput"},
		{"types at the top", "Types", []string{"TTPs"}, "InvalidInput"},
		{"workflow", "Workflow", object{"Status": "NEW"}, "InvalidInput"},
		{"note", "Note", object{"Text": "x"}, "InvalidInput"},
		{"no provider", "FindingProviderFields", nil, "InvalidInput"},
		{"unknown severity", "FindingProviderFields", provider("high", "TTPs"), "InvalidInput"},
		{"no types", "FindingProviderFields", provider("HIGH"), "InvalidInput"},
		{"unknown namespace", "FindingProviderFields", provider("HIGH", "Malware"), "InvalidInput"},
		{"no resources", "Resources", []object{}, "InvalidInput"},
		{"unknown partition", "Resources", resource(object{"Type": "Other", "Id": "1", "Partition": "moon"}), "InvalidInput"},
		{"instance without an ARN", "Resources", resource(object{"Type": "AwsEc2Instance", "Id": "i-0abc"}), "InvalidInput"},
		{"blank detail", "Resources", resource(object{"Type": "Other", "Id": "1", "Details": object{"Other": object{"a": ""}}}), "InvalidInput"},
		{"many fields", "ProductFields", fields, "InvalidInput"},
		{"long field", "ProductFields", object{"a": strings.Repeat("x", 2049)}, "InvalidInput"},
		{"unknown indicator", "ThreatIntelIndicators", threat("NAME", "x"), "InvalidInput"},
		{"long indicator", "ThreatIntelIndicators", threat("DOMAIN", strings.Repeat("x", 513)), "InvalidInput"},
		{"action without its request", "Action", object{"ActionType": "DNS_REQUEST"}, "InvalidInput"},
		{"long domain", "Action", object{"ActionType": "DNS_REQUEST", "DnsRequestAction": object{"Domain": strings.Repeat("x", 129)}}, "InvalidInput"},
		{"unknown member", "Severities", "x", "InvalidInput"},
		{"unknown member below", "Action", object{"Dns": object{}}, "InvalidInput"},
		{"too large", "Remediation", object{"Recommendation": object{"Text": strings.Repeat("x", 240<<10)}}, "InvalidInput"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			server, bad := newServer(), maps.Clone(finding())
			bad[tc.member] = tc.value
			if tc.value == nil {
				delete(bad, tc.member)
			}
			good := finding()
			good["Id"] = "2"
			status, codes := send(t, server, good, bad)
			if status != http.StatusOK || len(codes) != 1 || codes[0] != tc.want || len(server.Findings()) != 1 {
				t.Errorf("status %d, %v, %q", status, codes, server.Refused())
			}
		})
	}
}

func TestServer_requests(t *testing.T) {
	t.Parallel()
	server := newServer()
	large := finding()
	large["Description"] = strings.Repeat("x", 6<<20)
	for name, list := range map[string][]object{
		"no findings": {}, "101 findings": findings(101), "6 MB": {large},
	} {
		if status, _ := send(t, server, list...); status != http.StatusBadRequest {
			t.Errorf("%s: status %d", name, status)
		}
	}
	if status, codes := send(t, server, findings(100)...); status != http.StatusOK || len(codes) > 0 {
		t.Errorf("100 findings: status %d, %v", status, codes)
	}
}

func findings(n int) (list []object) {
	for i := range n {
		f := finding()
		f["Id"] = fmt.Sprint(i)
		list = append(list, f)
	}
	return list
}

// An update that is not later is ignored, and AWS does not say so.
func TestServer_ignoresEarlierUpdates(t *testing.T) {
	t.Parallel()
	server := newServer()
	for _, at := range []string{"2026-11-30T12:00:01Z", "2026-11-30T12:00:01.000Z", "2026-11-30T12:00:00Z"} {
		f := finding()
		f["UpdatedAt"] = at
		if _, codes := send(t, server, f); len(codes) > 0 {
			t.Errorf("update at %s: %v", at, codes)
		}
	}
	if got := *server.Findings()["1"].UpdatedAt; got != "2026-11-30T12:00:01Z" || server.Ignored() != 2 {
		t.Errorf("updated at %s, %d ignored", got, server.Ignored())
	}
}
