package awsio_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/awsio"
)

func TestStatusOf_noAnswer(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, errors.New("no such host")} {
		if status := awsio.StatusOf(err); status != 0 {
			t.Errorf("status of %v is %d", err, status)
		}
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	start := time.Now()
	if err := awsio.Wait(ctx, 0); err != nil || time.Since(start) > time.Second {
		t.Errorf("waited %v: %v", time.Since(start), err)
	}
	cancel()
	if err := awsio.Wait(ctx, 1_000); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait with a cancelled context: %v", err)
	}
}
