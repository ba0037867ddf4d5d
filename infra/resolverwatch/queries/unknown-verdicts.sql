-- Which queries could not be checked, and why?
--
-- One row per reason: no_index and stale_index mean that no recent lists reached the
-- transformer, timeout that it had too little time, bad_name that the query name is not
-- valid. unreadable_line counts lines that are not JSON, and not_marked counts records
-- without a verdict, such as those from before Resolverwatch was set up. The queries that
-- count records leave both out.
--
-- Parameters, each between /*name:*/ and /*:name*/ wherever it is used:
--   from   timestamp  start of the period (a week ago if not set)
--   until  timestamp  end of the period (now if not set)
WITH logged AS (
  SELECT account_id, vpc_id, srcaddr, srcport, transport, query_timestamp, query_name, query_type, query_class,
         verdict, verdict_reason,
         coalesce(try(from_iso8601_timestamp(query_timestamp)),
                  with_timezone(date_parse(arrived, '${format}'), 'UTC')) AS asked_at,
         count(*) AS copies
  FROM ${logs}
  WHERE (verdict = 'unknown' OR verdict IS NULL)
    -- Partitions follow the time of delivery: a day on each side includes late records.
    AND arrived BETWEEN
        date_format(/*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/ - INTERVAL '1' DAY, '${format}') AND
        date_format(/*until:*/current_timestamp/*:until*/ + INTERVAL '86399' SECOND, '${format}')
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
)
SELECT CASE WHEN verdict IS NOT NULL THEN verdict_reason WHEN query_name IS NOT NULL THEN 'not_marked'
            ELSE 'unreadable_line' END AS reason,
       sum(IF(coalesce(verdict, query_name) IS NULL, copies, 1)) AS logged_queries,
       count(DISTINCT IF(coalesce(verdict, query_name) IS NOT NULL, ROW(account_id, vpc_id, srcaddr))) AS hosts,
       count(DISTINCT vpc_id) AS vpcs,
       date_format(min(asked_at), '%Y-%m-%dT%H:%i:%sZ') AS first_seen,
       date_format(max(asked_at), '%Y-%m-%dT%H:%i:%sZ') AS last_seen
FROM logged
WHERE asked_at >= /*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/
  AND asked_at < /*until:*/current_timestamp/*:until*/
GROUP BY 1
ORDER BY logged_queries DESC, reason
