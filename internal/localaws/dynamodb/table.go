package dynamodb

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"github.com/truora/minidyn/server"

	"github.com/resolverwatch/resolverwatch/internal/localaws/awsjson"
)

// createTable learns the key schema, which the checks of writes need.
func (s *Server) createTable(body []byte) (*reply, error) {
	var in struct {
		TableName string
		KeySchema []struct{ AttributeName, KeyType string }
	}
	if err := awsjson.Decode(body, &in); err != nil {
		return nil, err
	}
	answer := s.forward("CreateTable", body)
	if answer.status != http.StatusOK {
		return answer, nil
	}
	created := &table{}
	for _, kind := range []string{"HASH", "RANGE"} {
		for _, key := range in.KeySchema {
			if key.KeyType == kind {
				created.keys = append(created.keys, key.AttributeName)
			}
		}
	}
	s.tables[in.TableName] = created
	if s.config.Unprocessed != nil {
		s.engine.EmulateUnprocessedItems(in.TableName, func(n int, _ map[string]*server.AttributeValue) bool {
			return s.config.Unprocessed(in.TableName, n)
		})
	}
	return active(answer)
}

// active completes the description of a table: it is ready for use at once.
func active(answer *reply) (*reply, error) {
	if answer.status != http.StatusOK {
		return answer, nil
	}
	var description map[string]map[string]json.RawMessage
	if err := json.Unmarshal(answer.body.Bytes(), &description); err != nil {
		return nil, err
	}
	for _, table := range description {
		table["TableStatus"] = json.RawMessage(`"ACTIVE"`)
	}
	return encode(description)
}

func (s *Server) deleteTable(body []byte) (*reply, error) {
	in := tableRequest{}
	if err := awsjson.Decode(body, &in); err != nil {
		return nil, err
	}
	delete(s.tables, in.TableName)
	return s.forward("DeleteTable", body), nil
}

func (s *Server) listTables() (*reply, error) {
	return encode(struct{ TableNames []string }{slices.Sorted(maps.Keys(s.tables))})
}

type tableRequest struct {
	TableName               string
	TimeToLiveSpecification timeToLive
}

type timeToLive struct {
	AttributeName string
	Enabled       bool
}

func (s *Server) updateTimeToLive(body []byte) (*reply, error) {
	in, known, err := s.tableOf(body)
	if err != nil {
		return nil, err
	}
	switch wanted := in.TimeToLiveSpecification; {
	case wanted.AttributeName == "":
		return nil, awsjson.Invalid("TimeToLiveSpecification must name an attribute")
	case wanted.Enabled && known.ttlAttribute != "":
		return nil, awsjson.Invalid("TimeToLive is already enabled")
	case !wanted.Enabled && known.ttlAttribute == "":
		return nil, awsjson.Invalid("TimeToLive is already disabled")
	case wanted.Enabled:
		known.ttlAttribute = wanted.AttributeName
	default:
		known.ttlAttribute = ""
	}
	return encode(struct{ TimeToLiveSpecification timeToLive }{in.TimeToLiveSpecification})
}

func (s *Server) describeTimeToLive(body []byte) (*reply, error) {
	_, known, err := s.tableOf(body)
	if err != nil {
		return nil, err
	}
	status := "DISABLED"
	if known.ttlAttribute != "" {
		status = "ENABLED"
	}
	return encode(map[string]any{"TimeToLiveDescription": struct {
		TimeToLiveStatus string
		AttributeName    string `json:",omitempty"`
	}{status, known.ttlAttribute}})
}

func (s *Server) tableOf(body []byte) (*tableRequest, *table, error) {
	in := &tableRequest{}
	if err := awsjson.Decode(body, in); err != nil {
		return nil, nil, err
	}
	known := s.tables[in.TableName]
	if known == nil {
		return nil, nil, &awsjson.Error{Code: "ResourceNotFoundException",
			Message: "Requested resource not found: Table: " + in.TableName + " not found"}
	}
	return in, known, nil
}

func encode(answer any) (*reply, error) {
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	out := &reply{status: http.StatusOK}
	out.body.Write(text)
	return out, nil
}
