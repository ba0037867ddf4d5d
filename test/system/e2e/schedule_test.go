//go:build e2e

package e2e_test

import (
	"context"
	"encoding/json"
	"maps"
	"testing"
	"time"
)

// publishOnSchedule sends the importer the input of the deployed schedule: the index is
// renewed, but does not change.
func (m *machine) publishOnSchedule(t *testing.T) {
	t.Helper()
	before := m.current(t)
	// Times have a resolution of one second: a renewal in the same second would not show.
	time.Sleep(time.Until(before.RenewedAt.Add(time.Second)))
	scheduled := 0
	for _, r := range m.rules(t) {
		if r.ScheduleExpression == "" {
			continue
		}
		event := encode(map[string]any{"source": "aws.events", "detail-type": "Scheduled Event", "account": account})
		for _, payload := range m.hand(t, &r, event, &m.importer) {
			scheduled++
			if _, err := m.runningImporter.Invoke(context.Background(), payload); err != nil {
				t.Errorf("the importer refuses the input of the schedule, %s: %v", payload, err)
			}
		}
	}
	after := m.current(t)
	if scheduled != 1 || after.Generation != before.Generation || !after.RenewedAt.After(before.RenewedAt) {
		t.Errorf("%d schedules publish; generation %d renewed at %s, before: generation %d at %s", scheduled,
			after.Generation, after.RenewedAt, before.Generation, before.RenewedAt)
	}
}

// fetchOnSchedule sends the importer the input of the deployed schedule of each feed with a
// URL. Nothing can be fetched from the URL: that must be recorded, but not be an error. The
// schedule must be allowed to invoke the function.
func (m *machine) fetchOnSchedule(t *testing.T) {
	t.Helper()
	for _, s := range m.schedules(t) {
		if s.Target.Arn != m.importer.FunctionArn {
			t.Errorf("the schedule's target is %s, want the importer", s.Target.Arn)
		}
		var input map[string]string
		err := json.Unmarshal([]byte(s.Target.Input), &input)
		if err != nil || !maps.Equal(input, map[string]string{"feed": remoteFeed}) {
			t.Errorf("the schedule's input is %s: %v", s.Target.Input, err)
		}
		if _, err := m.runningImporter.Invoke(context.Background(), []byte(s.Target.Input)); err != nil {
			t.Errorf("a list that cannot be fetched fails the importer: %v", err)
		}
		m.checkRow(t, "#feed", remoteFeed, true)
		role := m.role(t, s.Target.RoleArn)
		mustAllow(t, trust("scheduler.amazonaws.com", "arn:aws:scheduler:"+region+":"+account+":schedule-group/default"),
			nil, role.trust)
		for _, call := range m.deliveredBy(t, s.Target.RoleArn, s.Target.Arn, "Importer") {
			mustAllow(t, call, role.policies)
		}
	}
}
