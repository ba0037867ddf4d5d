package settings

// PublishEvent is the event that makes the importer look at all feeds and publish, by
// schedule and by hand.
const PublishEvent = `{"publish":true}`
