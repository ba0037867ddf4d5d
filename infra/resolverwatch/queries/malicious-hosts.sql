-- Which hosts queried malicious names, or got a malicious answer?
--
-- One row per host, worst first: by severity, then by how few hosts queried the host's worst
-- indicator, then those first seen last. A host is an address in a VPC of an account. The
-- column instances lists the instances that had the address. logged_queries counts distinct
-- records: Resolver does not log answers from its cache. indicator is the worst indicator of
-- the host, of equal ones the rarest, and indicator_hosts the number of hosts that queried it
-- in the period.
--
-- Parameters, each between /*name:*/ and /*:name*/ wherever it is used:
--   from   timestamp  start of the period (a week ago if not set)
--   until  timestamp  end of the period (now if not set)
WITH logged AS (
  SELECT DISTINCT account_id, vpc_id, srcaddr, srcport, transport, query_timestamp, query_name, query_type, query_class,
         json_extract_scalar(srcids, '$.instance') AS instance,
         threat.indicator AS indicator,
         coalesce(array_position(ARRAY['low', 'medium', 'high', 'critical'], threat.severity), 0) AS severity,
         coalesce(try(from_iso8601_timestamp(query_timestamp)),
                  with_timezone(date_parse(arrived, '${format}'), 'UTC')) AS asked_at
  FROM ${logs}
  WHERE verdict = 'malicious'
    -- Partitions follow the time of delivery: a day on each side includes late records.
    AND arrived BETWEEN
        date_format(/*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/ - INTERVAL '1' DAY, '${format}') AND
        date_format(/*until:*/current_timestamp/*:until*/ + INTERVAL '86399' SECOND, '${format}')
), pairs AS (
  SELECT account_id, vpc_id, srcaddr, indicator, max(severity) AS severity, array_agg(DISTINCT instance) AS instances,
         count(*) AS logged_queries, min(asked_at) AS first_seen, max(asked_at) AS last_seen,
         count(*) OVER (PARTITION BY indicator) AS hosts
  FROM logged
  WHERE asked_at >= /*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/
    AND asked_at < /*until:*/current_timestamp/*:until*/
  GROUP BY account_id, vpc_id, srcaddr, indicator
)
SELECT account_id, vpc_id, srcaddr,
       nullif(array_join(array_sort(array_distinct(flatten(array_agg(instances)))), ' '), '') AS instances,
       element_at(ARRAY['low', 'medium', 'high', 'critical'], nullif(max(severity), 0)) AS worst_severity,
       sum(logged_queries) AS logged_queries,
       count(*) AS indicators,
       date_format(min(first_seen), '%Y-%m-%dT%H:%i:%sZ') AS first_seen,
       date_format(max(last_seen), '%Y-%m-%dT%H:%i:%sZ') AS last_seen,
       min_by(indicator, ROW(-severity, hosts, indicator)) AS indicator,
       min_by(hosts, ROW(-severity, hosts, indicator)) AS indicator_hosts
FROM pairs
GROUP BY account_id, vpc_id, srcaddr
ORDER BY max(severity) DESC, indicator_hosts, min(pairs.first_seen) DESC, logged_queries DESC, account_id, vpc_id, srcaddr
