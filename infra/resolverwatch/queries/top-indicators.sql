-- Which indicators does each feed contribute most, by category?
--
-- The indicators with the most logged queries of each feed and category. An indicator
-- that several feeds list counts for each of them.
--
-- Parameters, each between /*name:*/ and /*:name*/ in all its places:
--   from   timestamp  queries since then (a week ago if not set)
--   until  timestamp  queries before then (now if not set)
--   top    integer    rows for each feed and category (10 if not set)
WITH logged AS (
  SELECT DISTINCT account_id, vpc_id, srcaddr, srcport, transport, query_timestamp, query_name, query_type, query_class,
         threat,
         coalesce(try(from_iso8601_timestamp(query_timestamp)),
                  with_timezone(date_parse(arrived, '${format}'), 'UTC')) AS asked_at
  FROM ${logs}
  WHERE verdict = 'malicious'
    -- Partitions are times of arrival: a day on each side holds what came late.
    AND arrived BETWEEN
        date_format(/*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/ - INTERVAL '1' DAY, '${format}') AND
        date_format(/*until:*/current_timestamp/*:until*/ + INTERVAL '86399' SECOND, '${format}')
), counted AS (
  SELECT feed, threat.category AS category, threat.indicator AS indicator,
         count(*) AS logged_queries,
         count(DISTINCT ROW(account_id, vpc_id, srcaddr)) AS hosts
  FROM logged CROSS JOIN UNNEST(threat.feeds) AS listing (feed)
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
