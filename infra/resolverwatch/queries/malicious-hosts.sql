-- Which hosts queried malicious names, or got a malicious answer?
--
-- One row per host, worst first. A host is an address in a VPC of an account. The column
-- instances lists the instances that had the address. logged_queries counts distinct
-- records: Resolver does not log answers from its cache.
--
-- Parameters, each between /*name:*/ and /*:name*/ wherever it is used:
--   from   timestamp  start of the period (a week ago if not set)
--   until  timestamp  end of the period (now if not set)
WITH logged AS (
  SELECT DISTINCT account_id, vpc_id, srcaddr, srcport, transport, query_timestamp, query_name, query_type, query_class,
         json_extract_scalar(srcids, '$.instance') AS instance,
         threat.indicator AS indicator,
         array_position(ARRAY['low', 'medium', 'high', 'critical'], threat.severity) AS severity,
         coalesce(try(from_iso8601_timestamp(query_timestamp)),
                  with_timezone(date_parse(arrived, '${format}'), 'UTC')) AS asked_at
  FROM ${logs}
  WHERE verdict = 'malicious'
    -- Partitions follow the time of delivery: a day on each side includes late records.
    AND arrived BETWEEN
        date_format(/*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/ - INTERVAL '1' DAY, '${format}') AND
        date_format(/*until:*/current_timestamp/*:until*/ + INTERVAL '86399' SECOND, '${format}')
)
SELECT account_id, vpc_id, srcaddr,
       nullif(array_join(array_sort(array_agg(DISTINCT instance)), ' '), '') AS instances,
       element_at(ARRAY['low', 'medium', 'high', 'critical'], nullif(max(severity), 0)) AS worst_severity,
       count(*) AS logged_queries,
       count(DISTINCT indicator) AS indicators,
       date_format(min(asked_at), '%Y-%m-%dT%H:%i:%sZ') AS first_seen,
       date_format(max(asked_at), '%Y-%m-%dT%H:%i:%sZ') AS last_seen
FROM logged
WHERE asked_at >= /*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/
  AND asked_at < /*until:*/current_timestamp/*:until*/
GROUP BY account_id, vpc_id, srcaddr
ORDER BY max(severity) DESC, logged_queries DESC, account_id, vpc_id, srcaddr
