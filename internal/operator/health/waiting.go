package health

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// stateAlarm is the state of an alarm whose condition is met, as CloudWatch names it.
const stateAlarm = "ALARM"

// Alarm is an alarm of the stack.
type Alarm struct {
	Name        string    `json:"name"`
	State       string    `json:"-"`
	Description string    `json:"description"`
	Since       time.Time `json:"since"`
}

// AlarmState are the alarms of the stack.
type AlarmState struct {
	Section
	InAlarm []Alarm `json:"in_alarm"`
	// Others is how many alarms are in another state.
	Others int `json:"others"`
}

func (a *AlarmState) problems() []string {
	var all []string
	for _, alarm := range a.InAlarm {
		all = append(all, "alarm "+alarm.Name)
	}
	return all
}

func (s *Stack) readAlarms(ctx context.Context, a *AlarmState) {
	a.InAlarm = []Alarm{}
	alarms, err := s.Alarms.Alarms(ctx, s.Name)
	switch {
	case err != nil:
		s.fail(&a.Section, err)
	case len(alarms) == 0:
		a.Off = "the stack has no alarms"
	}
	for _, alarm := range alarms {
		if alarm.State == stateAlarm {
			a.InAlarm = append(a.InAlarm, alarm)
		} else {
			a.Others++
		}
	}
	slices.SortFunc(a.InAlarm, func(a, b Alarm) int { return strings.Compare(a.Name, b.Name) })
}

// DeadLetters are the queues of events that failed every time.
type DeadLetters struct {
	Section
	Queues []QueueState `json:"queues"`
}

// QueueState is a queue of dead letters. Messages is null if it could not be read.
type QueueState struct {
	Name     string `json:"name"`
	URL      string `json:"url"`
	Messages *int   `json:"messages"`
}

func (d *DeadLetters) problems() []string {
	var all []string
	for _, queue := range d.Queues {
		if queue.Messages != nil && *queue.Messages > 0 {
			all = append(all, fmt.Sprintf("%d dead letters in %s", *queue.Messages, queue.Name))
		}
	}
	return all
}

func (s *Stack) readDeadLetters(ctx context.Context, d *DeadLetters) {
	d.Queues = []QueueState{}
	switch {
	case s.Unknown != nil:
		s.fail(&d.Section, s.Unknown)
	case len(s.DeadLetters) == 0:
		d.Off = "the outputs of the stack name no queue of dead letters"
	}
	var problems []error
	for _, queue := range s.DeadLetters {
		state := QueueState{Name: queue.Name, URL: queue.URL}
		if waiting, err := s.Queues.Waiting(ctx, queue.URL); err != nil {
			problems = append(problems, err)
		} else {
			state.Messages = &waiting
		}
		d.Queues = append(d.Queues, state)
	}
	if len(problems) > 0 {
		s.fail(&d.Section, errors.Join(problems...))
	}
}

// Association is a VPC whose queries Resolver logs.
type Association struct {
	VPC    string `json:"vpc"`
	Status string `json:"status"` // as Resolver names it
	// Error and Message say why Resolver does not log.
	Error   string `json:"error,omitempty"`
	Message string `json:"message,omitempty"`
}

// Logging is the query logging of Resolver to the delivery stream of the stack.
type Logging struct {
	Section
	VPCs []Association `json:"vpcs"`
}

// isWorking reports whether Resolver logs the VPC, or is about to start or to stop.
func (a *Association) isWorking() bool {
	return slices.Contains([]string{"ACTIVE", "CREATING", "DELETING"}, a.Status)
}

func (l *Logging) problems() []string {
	var all []string
	for _, vpc := range l.VPCs {
		if !vpc.isWorking() {
			all = append(all, fmt.Sprintf("query logging of %s is %s", vpc.VPC, vpc.Status))
		}
	}
	if l.Off == "" && l.Error == "" && len(l.VPCs) == 0 {
		all = append(all, "no VPC logs its queries to the stack")
	}
	return all
}

func (s *Stack) readQueryLogging(ctx context.Context, l *Logging) {
	l.VPCs = []Association{}
	if !s.hasStream(&l.Section) {
		return
	}
	vpcs, configurations, err := s.QueryLogging.Associations(ctx, s.Stream)
	switch {
	case err != nil:
		s.fail(&l.Section, err)
	case configurations == 0:
		l.Off = "no query logging configuration of this account and Region has the delivery stream as its destination"
	}
	l.VPCs = append(l.VPCs, vpcs...)
	slices.SortFunc(l.VPCs, func(a, b Association) int { return strings.Compare(a.VPC, b.VPC) })
}
