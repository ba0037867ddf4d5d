package notifier

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
)

var errNotOurs = errors.New("it is not a message about matches")

func decode(body []byte) (*alert.Message, error) {
	var m alert.Message
	if json.Unmarshal(body, &m) != nil {
		return nil, errNotOurs
	}
	if m.Version != alert.Version {
		return nil, fmt.Errorf("its version is %d, not %d", m.Version, alert.Version)
	}
	return &m, nil
}
