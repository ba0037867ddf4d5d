//go:build e2e

package e2e_test

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/test/localathena"
	"github.com/resolverwatch/resolverwatch/test/system/e2e/permission"
)

// newAthena returns the deployed workgroup with its named queries. It finds a tunnel and an old
// query of a listed name, and nothing else.
func (m *machine) newAthena(t *testing.T) *localathena.Server {
	t.Helper()
	queries := map[string]string{}
	for _, r := range m.of("AWS::Athena::NamedQuery") {
		var out struct {
			NamedQuery struct{ Name, QueryString, WorkGroup, Database string }
		}
		m.e.ask(t, "athena", "AmazonAthena.GetNamedQuery", map[string]string{"NamedQueryId": r.id}, &out)
		// The comment tells the engine which query it runs.
		queries[out.NamedQuery.Name] = "-- query: " + out.NamedQuery.Name + "\n" + out.NamedQuery.QueryString
	}
	return localathena.New(localathena.Config{WorkGroup: m.outputs["WorkGroupName"], Database: m.outputs["DatabaseName"],
		Queries: queries, Execute: answerHunt})
}

// The columns that identify what queries find. Those of queries that find nothing are together.
const (
	tunnelColumns = "account_id|vpc_id|srcaddr|registrable|day|names|characters|mean_length|example"
	retroColumns  = "account_id|vpc_id|srcaddr|indicator|scope|feeds|severity|logged_queries|first_seen|last_seen"
	otherColumns  = "account_id|vpc_id|srcaddr|day|last_logged|domains|registrable|query_name|queries|indicator|domain|resolver"
)

// What the queries find.
const (
	huntedTunnel = "tunnel.example"
	huntedName   = "older.legacy.example"
)

func answerHunt(_ context.Context, sql string) (*localathena.Result, error) {
	today := time.Now().UTC().Format(time.DateOnly)
	switch {
	case strings.HasPrefix(sql, "-- query: tunnels\n"):
		return huntResult(tunnelColumns, "111122223333|vpc-1|10.0.0.1|"+huntedTunnel+"|"+today+"|120|5000|41.2|a."+huntedTunnel), nil
	case strings.HasPrefix(sql, "-- query: retro-hunt\n"):
		return huntResult(retroColumns, "111122223333|vpc-1|10.0.0.1|"+huntedName+"|name|a|high|5|"+today+"T00:00:00Z|"+today+"T00:00:00Z"), nil
	}
	return huntResult(otherColumns), nil
}

// huntResult returns a result of text.
func huntResult(columns string, rows ...string) *localathena.Result {
	result := &localathena.Result{Bytes: 10 << 20}
	for _, name := range strings.Split(columns, "|") {
		result.Columns = append(result.Columns, localathena.Column{Name: name, Type: "varchar"})
	}
	for _, row := range rows {
		var cells []*string
		for _, text := range strings.Split(row, "|") {
			cells = append(cells, &text)
		}
		result.Rows = append(result.Rows, cells)
	}
	return result
}

// huntOnSchedule gives the hunter the events of publishes that the deployed rule passes on, and
// the input of every deployed schedule. What the queries find must be reported.
func (m *machine) huntOnSchedule(t *testing.T) string {
	t.Helper()
	var inputs [][]byte
	published := m.targets.bus.of(settings.EventIndexPublished)
	if len(published) == 0 {
		t.Error("the importer put no event about a publish on the bus")
	}
	for _, e := range published {
		if passed := m.route(t, e.asDelivered(), &m.hunter); len(passed) != 1 {
			t.Errorf("the deployed rules pass %s to the hunter %d times, want once", e.Detail, len(passed))
		} else if len(inputs) == 0 { // the others would be skipped: one retro-hunt a day
			inputs = passed
		}
	}
	queries := []string{settings.QueryRetroHunt}
	for _, s := range m.huntSchedules(t) {
		input := strings.ReplaceAll(s.Target.Input, "<aws.scheduler.scheduled-time>", time.Now().UTC().Format(time.RFC3339))
		inputs = append(inputs, []byte(input))
		var asked struct{ Query string }
		check(t, json.Unmarshal([]byte(input), &asked))
		queries = append(queries, asked.Query)
	}
	m.runHunts(t, inputs)
	if back := m.deliverAlerts(t); back > 0 {
		t.Fatalf("the notifier gives back %d messages: see its log", back)
	}
	m.checkHunted(t)
	slices.Sort(queries)
	return strings.Join(slices.Compact(queries), ", ")
}

// runHunts gives inputs to the hunter, all at once, because each run waits for its query.
func (m *machine) runHunts(t *testing.T, inputs [][]byte) {
	t.Helper()
	var all sync.WaitGroup
	for _, input := range inputs {
		all.Go(func() {
			answer, err := m.runningHunter.Invoke(context.Background(), input)
			var said struct{ Failed string }
			if err == nil {
				err = json.Unmarshal(answer, &said)
			}
			if err != nil || said.Failed != "" {
				t.Errorf("the hunter fails with %s: %v %s", input, err, said.Failed)
			}
		})
	}
	all.Wait()
}

// checkHunted fails unless each finding of a query is reported once.
func (m *machine) checkHunted(t *testing.T) {
	t.Helper()
	var got []string
	for _, kind := range []string{"Malicious query", "Suspicious behaviour"} {
		for _, detail := range m.reportedAs(t, kind) {
			if detail.Origin == "hunt" && !detail.Test {
				got = append(got, detail.Query+" "+detail.Indicator.Value+detail.Behaviour.Subject)
			}
		}
	}
	slices.Sort(got)
	if want := []string{"retro-hunt " + huntedName, "tunnels " + huntedTunnel}; !slices.Equal(got, want) {
		t.Errorf("reported by hunts: %q, want %q", got, want)
	}
}

// huntSchedules returns the schedules of the hunter, which the scheduler may run.
func (m *machine) huntSchedules(t *testing.T) (all []schedule) {
	t.Helper()
	group := m.outputs["HuntGroupName"]
	for _, r := range m.of("AWS::Scheduler::Schedule") {
		if !strings.Contains(r.logical, "HuntsRun") {
			continue
		}
		var s schedule
		m.e.get(t, "scheduler", "/schedules/"+r.id+"?groupName="+group, &s)
		if s.Target.Arn != m.hunter.FunctionArn {
			t.Errorf("the schedule %s has the target %s, want the hunter", r.logical, s.Target.Arn)
		}
		role := m.role(t, s.Target.RoleArn)
		mustAllow(t, trust("scheduler.amazonaws.com", "arn:aws:scheduler:"+region+":"+account+":schedule-group/"+group), nil, role.trust)
		for _, call := range m.deliveredBy(t, s.Target.RoleArn, s.Target.Arn, "Hunts") {
			mustAllow(t, call, role.policies)
		}
		all = append(all, s)
	}
	return all
}

// huntCalls returns the calls that Athena makes with the credentials of the hunter (Athena user
// guide, "Control access to Amazon S3 from Athena" and "Access to databases and tables in the
// Data Catalog"), and those after a query that takes too long.
func (m *machine) huntCalls(t *testing.T) (calls []permission.Call) {
	t.Helper()
	catalog := "arn:aws:glue:" + region + ":" + account + ":"
	database := m.outputs["DatabaseName"]
	tables := []string{"catalog", "database/" + database}
	for _, table := range m.of("AWS::Glue::Table") {
		tables = append(tables, "table/"+database+"/"+table.id)
	}
	for _, action := range []string{"GetDatabase", "GetTable", "GetPartitions"} {
		for _, resource := range tables {
			calls = append(calls, permission.Call{Action: "glue:" + action, Resource: catalog + resource})
		}
	}
	calls = append(calls, permission.Call{Action: "glue:GetDatabase", Resource: catalog + "database/default"},
		permission.Call{Action: "athena:StopQueryExecution", Resource: "arn:aws:athena:" + region + ":" + account + ":workgroup/" + m.outputs["WorkGroupName"]})
	bucket := func(name, folder string, actions ...string) {
		for _, action := range actions {
			call := permission.Call{Action: "s3:" + action, Resource: "arn:aws:s3:::" + name,
				Context: map[string][]string{"aws:securetransport": {"true"}, "s3:tlsversion": {"1.3"}}}
			switch {
			case action == "ListBucket":
				call.Context["s3:prefix"] = []string{folder}
			case !strings.Contains(action, "Bucket"):
				call.Resource += "/" + folder + "any"
			}
			calls = append(append(calls, call), m.behind(t, call, http.StatusOK)...)
		}
	}
	for _, name := range []string{logTable, "indicators"} {
		described := m.glueTable(t, name)
		// Athena looks only into the folders of partitions, if there is a template of them.
		location := cmp.Or(described.Parameters["storage.location.template"], described.StorageDescriptor.Location)
		fixed, _, _ := strings.Cut(strings.TrimPrefix(location, "s3://"), "${")
		at, folder, _ := strings.Cut(fixed, "/")
		bucket(at, folder, "GetObject", "ListBucket", "GetBucketLocation")
	}
	bucket(nameOf(m.one(t, "AWS::S3::Bucket", "Results").id), "results/", "GetObject", "PutObject", "AbortMultipartUpload",
		"ListMultipartUploadParts", "ListBucket", "GetBucketLocation", "ListBucketMultipartUploads")
	return calls
}
