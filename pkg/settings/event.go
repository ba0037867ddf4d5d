package settings

// PublishEvent is the event that makes the importer look at all feeds and publish. The schedule
// sends it, and so can a person.
const PublishEvent = `{"publish":true}`
