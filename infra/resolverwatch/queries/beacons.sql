-- Which hosts query a name that few others query, in a steady rhythm?
--
-- Malware asks its server for orders again and again. One row per host and query name, most
-- queries first. queries counts the seconds in which the host queried the name. median_seconds
-- is the median of the times between two of them, spread the range of their middle half as a
-- percentage of it: 0 is a clock. hosts counts the hosts of all accounts that queried the name.
-- Resolver does not log answers from its cache, so a rhythm faster than the TTL of the name
-- shows the TTL.
--
-- Parameters, each between /*name:*/ and /*:name*/ wherever it is used:
--   from        timestamp  start of the period (a week ago if not set)
--   until       timestamp  end of the period (now if not set)
--   queries     integer    minimum number of queries (24 if not set)
--   hours       integer    minimum time between the first and the last query (12 if not set)
--   hosts       integer    maximum number of hosts that queried the name (2 if not set)
--   spread      integer    maximum spread (60 if not set)
--   exceptions  text       query names, and hosts as account/VPC/address, to leave out, separated by spaces (none if not set)
WITH split AS (
  SELECT account_id, vpc_id, srcaddr,
         -- Only ASCII letters are lowered. Empty labels, such as that after a final dot, do not count.
         filter(split(translate(query_name, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz'), '.'),
                label -> label <> '') AS labels,
         coalesce(try(from_iso8601_timestamp(query_timestamp)),
                  with_timezone(date_parse(arrived, '${format}'), 'UTC')) AS asked_at
  FROM ${logs}
  WHERE verdict IS NOT NULL
    -- Partitions follow the time of delivery: a day on each side includes late records.
    AND arrived BETWEEN
        date_format(/*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/ - INTERVAL '1' DAY, '${format}') AND
        date_format(/*until:*/current_timestamp/*:until*/ + INTERVAL '86399' SECOND, '${format}')
), queried AS (
  SELECT DISTINCT account_id, vpc_id, srcaddr, array_join(labels, '.') AS name, date_trunc('second', asked_at) AS asked_at
  FROM split
  WHERE asked_at >= /*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/
    AND asked_at < /*until:*/current_timestamp/*:until*/
    AND element_at(labels, -1) NOT IN ('arpa', 'internal', 'local', 'lan', 'home', 'corp')
), counted AS (
  SELECT queried.*, count(*) OVER (PARTITION BY account_id, vpc_id, srcaddr, name) AS queries,
         date_diff('second', lag(asked_at) OVER (PARTITION BY account_id, vpc_id, srcaddr, name ORDER BY asked_at), asked_at) AS gap
  FROM queried
), ranked AS (
  SELECT counted.*, row_number() OVER (PARTITION BY account_id, vpc_id, srcaddr, name ORDER BY gap NULLS LAST) AS place
  FROM counted
), hosts AS (
  -- A quartile of n gaps is the gap at place n * quarter / 4, rounded up.
  SELECT account_id, vpc_id, srcaddr, name, count(*) AS queries,
         min(asked_at) AS first_seen, max(asked_at) AS last_seen,
         max(IF(place = (queries - 1 + 3) / 4, gap)) AS lower_quartile,
         max(IF(place = (2 * (queries - 1) + 3) / 4, gap)) AS median,
         max(IF(place = (3 * (queries - 1) + 3) / 4, gap)) AS upper_quartile,
         count(*) OVER (PARTITION BY name) AS hosts
  FROM ranked
  GROUP BY account_id, vpc_id, srcaddr, name
)
SELECT account_id, vpc_id, srcaddr, name AS query_name, queries, median AS median_seconds,
       round(100e0 * (upper_quartile - lower_quartile) / median, 1) AS spread,
       hosts,
       date_format(first_seen, '%Y-%m-%dT%H:%i:%sZ') AS first_seen,
       date_format(last_seen, '%Y-%m-%dT%H:%i:%sZ') AS last_seen
FROM hosts
WHERE queries >= greatest(/*queries:*/24/*:queries*/, 2)
  AND date_diff('second', first_seen, last_seen) >= /*hours:*/12/*:hours*/ * 3600
  AND hosts <= /*hosts:*/2/*:hosts*/
  AND 100 * (upper_quartile - lower_quartile) <= /*spread:*/60/*:spread*/ * median
  AND NOT contains(split(/*exceptions:*/''/*:exceptions*/, ' '), name)
  AND NOT contains(split(/*exceptions:*/''/*:exceptions*/, ' '),
                   coalesce(account_id, '') || '/' || coalesce(vpc_id, '') || '/' || coalesce(srcaddr, ''))
ORDER BY queries DESC, account_id, vpc_id, srcaddr, query_name
