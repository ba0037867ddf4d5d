-- Which indicators of each feed and category match most often?
--
-- The indicators with the most logged queries for each feed and category. If several feeds
-- list an indicator, it counts for each of the 16 that a record names at most. Records that
-- name none, because a response was full, are those of the feed (unnamed).
--
-- Parameters, each between /*name:*/ and /*:name*/ wherever it is used:
--   from   timestamp  start of the period (a week ago if not set)
--   until  timestamp  end of the period (now if not set)
--   top    integer    rows per feed and category (10 if not set)
WITH logged AS (
  SELECT DISTINCT account_id, vpc_id, srcaddr, srcport, transport, query_timestamp, query_name, query_type, query_class,
         threat,
         coalesce(try(from_iso8601_timestamp(query_timestamp)),
                  with_timezone(date_parse(arrived, '${format}'), 'UTC')) AS asked_at
  FROM ${logs}
  WHERE verdict = 'malicious'
    -- Partitions follow the time of delivery: a day on each side includes late records.
    AND arrived BETWEEN
        date_format(/*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/ - INTERVAL '1' DAY, '${format}') AND
        date_format(/*until:*/current_timestamp/*:until*/ + INTERVAL '86399' SECOND, '${format}')
), counted AS (
  SELECT feed, threat.category AS category, threat.indicator AS indicator,
         count(*) AS logged_queries,
         count(DISTINCT ROW(account_id, vpc_id, srcaddr)) AS hosts
  FROM logged CROSS JOIN UNNEST(
    CASE WHEN cardinality(threat.feeds) > 0 THEN threat.feeds ELSE ARRAY['(unnamed)'] END) AS listing (feed)
  WHERE asked_at >= /*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/
    AND asked_at < /*until:*/current_timestamp/*:until*/
  GROUP BY feed, threat.category, threat.indicator
), ranked AS (
  SELECT counted.*, row_number() OVER (PARTITION BY feed, category ORDER BY logged_queries DESC, indicator) AS place
  FROM counted
)
SELECT feed, category, place, indicator, logged_queries, hosts
FROM ranked
WHERE place <= /*top:*/10/*:top*/
ORDER BY feed, category, place
