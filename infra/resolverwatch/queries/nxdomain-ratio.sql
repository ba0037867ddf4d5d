-- Which hosts query mostly names that do not exist?
--
-- A program that generates names until one resolves shows up here before any list knows
-- its names. One row per host with enough queries, highest ratio first.
--
-- Parameters, each between /*name:*/ and /*:name*/ wherever it is used:
--   from      timestamp  start of the period (a week ago if not set)
--   until     timestamp  end of the period (now if not set)
--   at_least  integer    minimum number of logged queries per host (100 if not set)
WITH logged AS (
  SELECT DISTINCT account_id, vpc_id, srcaddr, srcport, transport, query_timestamp, query_name, query_type, query_class,
         upper(rcode) = 'NXDOMAIN' AS nxdomain,
         json_extract_scalar(srcids, '$.instance') AS instance,
         coalesce(try(from_iso8601_timestamp(query_timestamp)),
                  with_timezone(date_parse(arrived, '${format}'), 'UTC')) AS asked_at
  FROM ${logs}
  WHERE verdict IS NOT NULL
    -- Partitions follow the time of delivery: a day on each side includes late records.
    AND arrived BETWEEN
        date_format(/*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/ - INTERVAL '1' DAY, '${format}') AND
        date_format(/*until:*/current_timestamp/*:until*/ + INTERVAL '86399' SECOND, '${format}')
)
SELECT account_id, vpc_id, srcaddr,
       nullif(array_join(array_sort(array_agg(DISTINCT instance)), ' '), '') AS instances,
       count(*) AS logged_queries,
       count_if(nxdomain) AS nxdomain,
       round(100e0 * count_if(nxdomain) / count(*), 1) AS percent,
       count(DISTINCT IF(nxdomain, lower(query_name))) AS nxdomain_names
FROM logged
WHERE asked_at >= /*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/
  AND asked_at < /*until:*/current_timestamp/*:until*/
GROUP BY account_id, vpc_id, srcaddr
HAVING count(*) >= /*at_least:*/100/*:at_least*/
ORDER BY percent DESC, nxdomain DESC, account_id, vpc_id, srcaddr
