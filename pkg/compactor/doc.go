// Package compactor copies closed days of marked logs into a table of few, large Parquet files.
// The event of a schedule goes in, and one day at most is copied by each. A day is closed when no
// more logs are expected for it.
//
// A view has each day from one table: the days that are copied from the copy, and all others from
// the logs. So no day is read twice, and none is missing, whenever a run ends:
//
//   - A day is copied while the view reads it from the logs. The leftovers of a run that was killed are
//     deleted first. Only the folder of a day that the view does not read is ever changed.
//   - The state says that the day is copied before the view does. A run that ends in between leaves
//     a view that reads the logs, and the next run replaces it.
//   - While a statement of an earlier run may still write, no other begins: see [maxStatement].
//   - Logs that come after the copy (a replay, a backfill, a late delivery) are found by the times
//     of the objects. The view then reads the day from the logs again, until it is copied again.
//
// Logs are never changed. If the view is lost or is reset, it reads all days from the logs.
package compactor
