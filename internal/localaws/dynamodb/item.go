package dynamodb

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/resolverwatch/resolverwatch/internal/localaws/awsjson"
)

// Limits of the service.
const (
	maxItemBytes         = 400 << 10 // names and values of all attributes together
	maxPartitionKeyBytes = 2048
	maxSortKeyBytes      = 1024
)

type item = map[string]json.RawMessage

// checkPut checks the item of a PutItem request.
func (s *Server) checkPut(body []byte) error {
	var in struct {
		TableName string
		Item      item
	}
	if err := awsjson.Decode(body, &in); err != nil {
		return err
	}
	known := s.tables[in.TableName]
	if known == nil {
		return nil // minidyn reports the missing table
	}
	_, err := known.check(in.Item)
	return err
}

// put writes an item. It reads the old item itself if the caller wants it, because minidyn
// would return the new one.
func (s *Server) put(body []byte) (*reply, error) {
	var in struct {
		TableName    string
		Item         item
		ReturnValues string
	}
	if err := awsjson.Decode(body, &in); err != nil {
		return nil, err
	}
	known := s.tables[in.TableName]
	if in.ReturnValues != "ALL_OLD" || known == nil {
		return s.forward("PutItem", body), nil
	}
	key := item{}
	for _, name := range known.keys {
		key[name] = in.Item[name]
	}
	request, err := json.Marshal(map[string]any{"TableName": in.TableName, "Key": key, "ConsistentRead": true})
	if err != nil {
		return nil, err
	}
	var before struct{ Item item }
	if err := json.Unmarshal(s.forward("GetItem", request).body.Bytes(), &before); err != nil {
		return nil, err
	}
	answer := s.forward("PutItem", body)
	if answer.status == http.StatusOK {
		answer.body.Reset()
		err = json.NewEncoder(&answer.body).Encode(struct {
			Attributes item `json:",omitempty"`
		}{before.Item})
	}
	return answer, err
}

// checkBatch returns an error for batches that AWS refuses but minidyn accepts: those with two
// writes of one key, or with items or keys that are too large.
func (s *Server) checkBatch(body []byte) error {
	var in struct {
		RequestItems map[string][]struct {
			PutRequest    *struct{ Item item }
			DeleteRequest *struct{ Key item }
		}
	}
	if err := awsjson.Decode(body, &in); err != nil {
		return err
	}
	if len(in.RequestItems) == 0 {
		return awsjson.Invalid("1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: " +
			"Member must have length greater than or equal to 1")
	}
	for name, writes := range in.RequestItems {
		known := s.tables[name]
		if known == nil {
			continue // minidyn reports the missing table
		}
		seen := make(map[string]bool, len(writes))
		for _, write := range writes {
			var written item
			switch {
			case write.PutRequest != nil:
				written = write.PutRequest.Item
			case write.DeleteRequest != nil:
				written = write.DeleteRequest.Key
			}
			key, err := known.check(written)
			if err != nil {
				return err
			}
			if seen[key] {
				return awsjson.Invalid("Provided list of item keys contains duplicates")
			}
			seen[key] = true
		}
	}
	return nil
}

// check applies the size limits to an item or to a key, and returns the key as one comparable
// string.
func (t *table) check(written item) (key string, err error) {
	size := 0
	for name, value := range written {
		size += len(name) + valueBytes(value)
	}
	if size > maxItemBytes {
		return "", awsjson.Invalid("Item size has exceeded the maximum allowed size")
	}
	var parts []string
	for i, name := range t.keys {
		bytes, limit := valueBytes(written[name]), maxPartitionKeyBytes
		if i > 0 {
			limit = maxSortKeyBytes
		}
		switch {
		case bytes > limit:
			return "", awsjson.Invalid("One or more parameter values were invalid: Size of key " + name +
				" has exceeded the maximum size limit")
		case bytes == 0 && written[name] != nil:
			return "", awsjson.Invalid("One or more parameter values are not valid. The AttributeValue for a key attribute " +
				"cannot contain an empty string value. Key: " + name)
		}
		parts = append(parts, scalar(written[name]))
	}
	return strings.Join(parts, "\x00"), nil
}

// scalar returns the type and the value of a key attribute as one string.
func scalar(value json.RawMessage) string {
	var typed map[string]string
	if json.Unmarshal(value, &typed) != nil {
		return string(value)
	}
	for kind, text := range typed {
		return kind + ":" + text
	}
	return ""
}

// valueBytes returns approximately the size of an attribute value as AWS counts it: the bytes
// of text and binary values, and the text of the parts of all other values.
func valueBytes(value json.RawMessage) int {
	var parsed any
	if json.Unmarshal(value, &parsed) != nil {
		return len(value)
	}
	typed, _ := parsed.(map[string]any)
	size := 0
	for kind, content := range typed {
		text, isText := content.(string)
		switch {
		case kind == "B" && isText:
			size += base64.StdEncoding.DecodedLen(len(text))
		default:
			size += textBytes(content)
		}
	}
	return size
}

func textBytes(content any) int {
	size := 0
	switch content := content.(type) {
	case string:
		return len(content)
	case []any:
		for _, element := range content {
			size += textBytes(element)
		}
	case map[string]any:
		for name, element := range content {
			size += len(name) + textBytes(element)
		}
	default:
		return 1
	}
	return size
}
