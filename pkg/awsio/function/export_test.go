package function

// DecodeTriggers is tested without an importer.
var DecodeTriggers = decodeTriggers
