package template

// dependAlarms gives what watches the topic, and the rules that send events to it, the condition of
// the topic, and removes their alarms from the dashboard. The other alarms stay: they only notify
// nobody.
func (t topicReference) dependAlarms(resources map[string]any) {
	gone := []topicReference{t}
	for _, kind := range []struct{ typ, property string }{
		{"AWS::Events::Rule", "Targets"},
		{"AWS::CloudWatch::Alarm", "Dimensions"},
	} {
		for id, value := range resources {
			resource := value.(map[string]any)
			properties, _ := resource["Properties"].(map[string]any)
			if resource["Type"] == kind.typ && anyIsIn(gone, properties[kind.property]) {
				resource["Condition"] = conditionTopic
				gone = append(gone, topicReference(id))
			}
		}
	}
	for _, value := range resources {
		resource := value.(map[string]any)
		if resource["Type"] != "AWS::CloudWatch::Dashboard" {
			continue
		}
		body, _ := resource["Properties"].(map[string]any)["DashboardBody"].(map[string]any)
		if join, isJoin := body["Fn::Join"].([]any); isJoin {
			join[1] = dependParts(gone, join[1].([]any))
		}
	}
}

// dependParts makes alarms in the text of a dashboard conditional, with the comma before each. The
// first alarm is none of them.
func dependParts(conditional []topicReference, parts []any) []any {
	const comma = `","`
	var kept []any
	for _, part := range parts {
		if last := len(kept) - 1; last >= 0 && kept[last] == comma && anyIsIn(conditional, part) {
			kept[last] = choose(conditionTopic, map[string]any{"Fn::Join": []any{"", []any{comma, part}}}, "")
			continue
		}
		kept = append(kept, part)
	}
	return kept
}

// anyIsIn reports whether a value contains a reference to one of some resources.
func anyIsIn(references []topicReference, value any) bool {
	for _, reference := range references {
		if reference.isIn(value) {
			return true
		}
	}
	return false
}
