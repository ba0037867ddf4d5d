-- Which hosts ask mostly for names that do not exist?
--
-- A program that makes names up until one answers shows here, before any list knows
-- its names. One row a host with enough queries, the highest ratio first.
--
-- Parameters, each between /*name:*/ and /*:name*/ in all its places:
--   from      timestamp  queries since then (a week ago if not set)
--   until     timestamp  queries before then (now if not set)
--   at_least  integer    logged queries that a host must have (100 if not set)
WITH logged AS (
  SELECT DISTINCT account_id, vpc_id, srcaddr, srcport, transport, query_timestamp, query_name, query_type, query_class,
         upper(rcode) = 'NXDOMAIN' AS nxdomain,
         json_extract_scalar(srcids, '$.instance') AS instance,
         coalesce(try(from_iso8601_timestamp(query_timestamp)),
                  with_timezone(date_parse(arrived, '${format}'), 'UTC')) AS asked_at
  FROM ${logs}
  WHERE verdict IS NOT NULL
    -- Partitions are times of arrival: a day on each side holds what came late.
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
