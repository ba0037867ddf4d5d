package settings

// PublishEvent is the event that makes the importer look at all feeds and publish. The schedule
// sends it, and so can a person.
const PublishEvent = `{"publish":true}`

// The source of our events on the default event bus, and the type of the event that the
// importer sends after a publish with changes. Rules of users name them, so changing one is a
// breaking change.
const (
	EventSource         = "resolverwatch"
	EventIndexPublished = "Index published"
)

// DigestEvent is the event that makes the notifier send the notices that it has collected. The
// schedule of a digest sends it.
const DigestEvent = `{"digest":true}`
