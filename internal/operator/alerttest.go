package operator

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
)

// AlertQueue is the queue of the notifier.
type AlertQueue interface {
	// Send sends a message.
	Send(ctx context.Context, body []byte) error
}

// AlertAnswers is the table in which the notifier stores what became of test alerts.
type AlertAnswers interface {
	// Answer returns what each target said about a test alert, or nil if there is no answer yet.
	Answer(ctx context.Context, id string) (*AlertAnswer, error)
}

// AlertAnswer is what each target said, by the notifier's name of it: "ok", "off" if
// there is no such target, or the text of an error.
type AlertAnswer struct {
	At      time.Time
	Results map[string]string
}

// What a target says if nothing is wrong.
const (
	answerOK  = "ok"
	answerOff = "off"
)

// AlertTester sends test alerts through the queue and the notifier of a stack.
type AlertTester struct {
	Queue   AlertQueue
	Answers AlertAnswers
	// Stack is the name of the stack.
	Stack string
	// Wait is how long to wait for an answer, Pause the time between two looks.
	Wait, Pause time.Duration
	Now         func() time.Time
}

// AlertTest is the outcome of a test alert.
type AlertTest struct {
	ID     string    `json:"id"`
	SentAt time.Time `json:"sent_at"`
	// AnsweredAt is null if no answer came in time.
	AnsweredAt *time.Time     `json:"answered_at"`
	Targets    []TargetAnswer `json:"targets"`
}

// TargetAnswer is what one target said.
type TargetAnswer struct {
	Target string `json:"target"`
	State  string `json:"state"` // ok, off or failed
	Error  string `json:"error,omitempty"`
}

// answerFailed is the state of a target that refused the test alert.
const answerFailed = "failed"

// Failed returns the targets that failed.
func (t *AlertTest) Failed() (failed []string) {
	for _, target := range t.Targets {
		if target.State == answerFailed {
			failed = append(failed, target.Target)
		}
	}
	return failed
}

// ErrNoAnswer means that the notifier did not answer in time.
var ErrNoAnswer = errors.New("no answer came in time")

// Run sends one test alert and waits for the answers. It returns [ErrNoAnswer] with the test if
// none came.
func (t *AlertTester) Run(ctx context.Context) (*AlertTest, error) {
	test := &AlertTest{ID: newTestID(), SentAt: t.Now().UTC().Truncate(time.Second), Targets: []TargetAnswer{}}
	message := alert.Message{Version: alert.Version, Origin: alert.OriginHunt, Stack: t.Stack, Test: test.ID, Rows: []alert.Row{}}
	body, err := json.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("encoding the test alert: %w", err)
	}
	// The table is read first: an alert whose answer cannot be read is not sent.
	if _, err := t.Answers.Answer(ctx, test.ID); err != nil {
		return nil, err
	}
	if err := t.Queue.Send(ctx, body); err != nil {
		return nil, err
	}

	for end := t.Now().Add(t.Wait); ; {
		answer, err := t.Answers.Answer(ctx, test.ID)
		switch {
		case err != nil:
			return test, err
		case answer != nil:
			test.take(answer)
			return test, nil
		case !t.Now().Before(end):
			return test, ErrNoAnswer
		}
		if err := sleep(ctx, t.Pause); err != nil {
			return test, err
		}
	}
}

func (t *AlertTest) take(answer *AlertAnswer) {
	t.AnsweredAt = &answer.At
	for _, name := range slices.Sorted(maps.Keys(answer.Results)) {
		target := TargetAnswer{Target: name, State: answer.Results[name]}
		if target.State != answerOK && target.State != answerOff {
			target.State, target.Error = answerFailed, answer.Results[name]
		}
		t.Targets = append(t.Targets, target)
	}
}

// newTestID returns an id that no other test alert has, in the form that messages require.
func newTestID() string {
	const idBytes = 16
	id := make([]byte, idBytes)
	_, _ = rand.Read(id) // it never fails
	return hex.EncodeToString(id)
}

// sleep waits, or returns the error of ctx if it ends first.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
