-- On which days did a VPC log nothing?
--
-- One row a day and VPC without logs. The VPCs are those that logged in the period, and
-- those that are given: logs cannot tell of a VPC that never logged. The VPC "*" stands
-- for all: a day in its row has no logs at all. last_logged is the last day
-- of the VPC with logs in the period.
--
-- Parameters, each between /*name:*/ and /*:name*/ in all its places:
--   from   timestamp  days since then (30 days ago if not set)
--   until  timestamp  days before then (now if not set)
--   vpcs   text       ids of VPCs that should log, with spaces between (none if not set)
WITH logged AS (
  SELECT vpc_id,
         date(coalesce(try(from_iso8601_timestamp(query_timestamp)),
                       with_timezone(date_parse(arrived, '${format}'), 'UTC'))) AS day
  FROM ${logs}
  WHERE verdict IS NOT NULL
    -- Partitions are times of arrival: a day on each side holds what came late.
    AND arrived BETWEEN
        date_format(/*from:*/current_timestamp - INTERVAL '30' DAY/*:from*/ - INTERVAL '1' DAY, '${format}') AND
        date_format(/*until:*/current_timestamp/*:until*/ + INTERVAL '86399' SECOND, '${format}')
), seen AS (
  SELECT vpc, array_agg(DISTINCT day) AS days
  FROM logged CROSS JOIN UNNEST(ARRAY[vpc_id, '*']) AS counted (vpc)
  WHERE day BETWEEN date(/*from:*/current_timestamp - INTERVAL '30' DAY/*:from*/)
                AND date(/*until:*/current_timestamp/*:until*/ - INTERVAL '1' SECOND)
  GROUP BY vpc
  UNION ALL
  SELECT vpc, CAST(ARRAY[] AS array(date))
  FROM UNNEST(split(/*vpcs:*/''/*:vpcs*/ || ' *', ' ')) AS given (vpc)
  WHERE vpc <> ''
), known AS (
  SELECT vpc, flatten(array_agg(days)) AS days
  FROM seen
  GROUP BY vpc
)
SELECT CAST(day AS varchar) AS day, vpc AS vpc_id, CAST(array_max(days) AS varchar) AS last_logged
FROM known
CROSS JOIN UNNEST(sequence(date(/*from:*/current_timestamp - INTERVAL '30' DAY/*:from*/),
                           date(/*until:*/current_timestamp/*:until*/ - INTERVAL '1' SECOND))) AS period (day)
WHERE NOT contains(days, day)
ORDER BY day, vpc
