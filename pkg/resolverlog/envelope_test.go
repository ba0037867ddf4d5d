package resolverlog_test

import (
	"encoding/base64"
	"errors"
	"slices"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
)

func TestMessages(t *testing.T) {
	t.Parallel()
	encode := base64.StdEncoding.EncodeToString
	zipped := compress(t, []byte(record11))
	for _, tt := range []struct {
		name, object string
		want         []string // nil if it is not an envelope
	}{
		{"log object", record11, nil},
		{"OCSF", recordOCSF, nil},
		{"another object", `{"hello":"world"}`, nil},
		{"not an object", `[{}]`, nil},
		{"message in plain text", `{"message":"hello"}`, nil},
		{"already marked", `{"message":"{}","verdict":"clean"}`, nil},
		{"message", `{"message":` + quote(recordBare) + `}`, []string{recordBare}},
		{"message that is an object", `{"message":` + recordBare + `}`, []string{recordBare}},
		{
			"CloudWatch Logs with a message in words", `{"messageType":"DATA_MESSAGE","logEvents":[{"message":"words"},{"message":` + quote(recordBare) + `},{"id":"1"}]}`,
			[]string{"words", recordBare, `{"id":"1"}`},
		},
		{"control message", `{"messageType":"CONTROL_MESSAGE","logEvents":[]}`, []string{}},
		{"events", `{"events":[{"message":` + quote(recordBare) + `},7]}`, []string{recordBare, "7"}},
		{"Records", `{"Records":[` + recordBare + `,` + recordOCSF + `]}`, []string{recordBare, recordOCSF}},
		{
			"answer of GetQueryResults", `{"results":[[{"field":"@timestamp","value":"2026"},{"field":"@message","value":` + quote(recordBare) + `}],[{"field":"n","value":"1"}]],"status":"Complete"}`,
			[]string{recordBare, `[{"field":"n","value":"1"}]`},
		},
		{"other results", `{"results":[1]}`, nil},
		{"set aside", `{"rawData":"` + encode([]byte(record11+recordBare)) + `"}`, []string{record11 + recordBare}},
		{"set aside, escaped slashes", `{"rawData":"Pz8\/"}`, []string{"???"}},
		{"set aside, gzip", `{"attemptsMade":1,"rawData":"` + encode(zipped) + `"}`, []string{record11}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			messages, ok, err := resolverlog.Messages([]byte(tt.object))
			var got []string
			for _, message := range messages {
				got = append(got, string(message))
			}
			if err != nil || ok != (tt.want != nil) || !slices.Equal(got, tt.want) {
				t.Errorf("got %q, %t, error %v; want %q", got, ok, err, tt.want)
			}
		})
	}
}

func TestMessages_damaged(t *testing.T) {
	t.Parallel()
	for _, object := range []string{`{"rawData":"%"}`, `{"rawData":"` + base64.StdEncoding.EncodeToString([]byte{0x1f, 0x8b, 8}) + `"}`} {
		if _, ok, err := resolverlog.Messages([]byte(object)); !ok || err == nil {
			t.Errorf("%s: ok %t, error %v", object, ok, err)
		}
	}
	bomb := base64.StdEncoding.EncodeToString(compress(t, make([]byte, 65<<20)))
	var large *resolverlog.TooLargeError
	if _, _, err := resolverlog.Messages([]byte(`{"rawData":"` + bomb + `"}`)); !errors.As(err, &large) {
		t.Errorf("a bomb: error %v", err)
	}
}
