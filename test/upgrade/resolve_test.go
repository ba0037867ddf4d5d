//go:build !race

package upgrade_test

import "strings"

// environment is where the sides are deployed, unless their settings say otherwise.
var environment = map[string]string{
	"AWS::AccountId": "111122223333",
	"AWS::Partition": "aws",
	"AWS::Region":    "eu-west-1",
	"AWS::URLSuffix": "amazonaws.com",
}

// resolve replaces references that CloudFormation knows at deployment: the Region is then a
// name. So a side with a Region in its settings equals the side without one.
func resolve(value any) any {
	switch value := value.(type) {
	case []any:
		resolved := make([]any, len(value))
		for i := range value {
			resolved[i] = resolve(value[i])
		}
		return resolved
	case map[string]any:
		if name, ok := value["Ref"].(string); ok && environment[name] != "" {
			return environment[name]
		}
		resolved := make(map[string]any, len(value))
		for name := range value {
			resolved[name] = resolve(value[name])
		}
		if parts, ok := resolved["Fn::Join"].([]any); ok {
			return join(parts[0].(string), parts[1].([]any))
		}
		return resolved
	default:
		return value
	}
}

// join returns the result of Fn::Join, or the call with its adjacent texts joined.
func join(separator string, parts []any) any {
	var joined []any
	for i, part := range parts {
		if i > 0 && separator != "" {
			joined = appendText(joined, separator)
		}
		if text, ok := part.(string); ok {
			joined = appendText(joined, text)
		} else {
			joined = append(joined, part)
		}
	}
	if len(joined) == 1 {
		if text, ok := joined[0].(string); ok {
			return text
		}
	}
	return map[string]any{"Fn::Join": []any{"", joined}}
}

// appendText adds text to the end of the last part, if that is text too.
func appendText(parts []any, text string) []any {
	if n := len(parts); n > 0 {
		if last, ok := parts[n-1].(string); ok {
			parts[n-1] = last + text
			return parts
		}
	}
	return append(parts, text)
}

// plain formats a value as short text, with references as <LogicalId.Attribute>.
func plain(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case map[string]any:
		if id, ok := value["Ref"].(string); ok {
			return "<" + id + ">"
		}
		if path, ok := value["Fn::GetAtt"].([]any); ok {
			return "<" + plain(path[0]) + "." + plain(path[1]) + ">"
		}
		if join, ok := value["Fn::Join"].([]any); ok {
			var text strings.Builder
			for _, part := range join[1].([]any) {
				text.WriteString(plain(part))
			}
			return text.String()
		}
	}
	return ""
}
