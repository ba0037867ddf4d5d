-- Which indicators matched, when first and last, how often and for how many hosts?
--
-- One row per indicator, last seen first.
--
-- Parameters, each between /*name:*/ and /*:name*/ wherever it is used:
--   from   timestamp  start of the period (a week ago if not set)
--   until  timestamp  end of the period (now if not set)
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
)
SELECT threat.indicator AS indicator,
       array_join(array_sort(array_agg(DISTINCT threat.scope)), ' ') AS scope,
       array_join(array_sort(array_distinct(flatten(array_agg(threat.feeds)))), ' ') AS feeds,
       array_join(array_sort(array_agg(DISTINCT nullif(threat.category, ''))), ' ') AS category,
       max_by(threat.severity, array_position(ARRAY['low', 'medium', 'high', 'critical'], threat.severity)) AS severity,
       date_format(min(asked_at), '%Y-%m-%dT%H:%i:%sZ') AS first_seen,
       date_format(max(asked_at), '%Y-%m-%dT%H:%i:%sZ') AS last_seen,
       count(*) AS logged_queries,
       count(DISTINCT ROW(account_id, vpc_id, srcaddr)) AS hosts
FROM logged
WHERE asked_at >= /*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/
  AND asked_at < /*until:*/current_timestamp/*:until*/
GROUP BY threat.indicator
ORDER BY max(asked_at) DESC, indicator
