-- On which days did a VPC log nothing?
--
-- One row per day and VPC without logs. The VPCs are those that logged in the period and
-- those that you name, because logs cannot show a VPC that never logged. The VPC "*"
-- stands for all VPCs: on the days in its rows there are no logs at all. last_logged is the
-- last day of the period on which the VPC logged.
--
-- Parameters, each between /*name:*/ and /*:name*/ wherever it is used:
--   from   timestamp  start of the period (30 days ago if not set)
--   until  timestamp  end of the period (now if not set)
--   vpcs   text       ids of VPCs that should log, separated by spaces (none if not set)
WITH logged AS (
  SELECT vpc_id,
         date(coalesce(try(from_iso8601_timestamp(query_timestamp)),
                       with_timezone(date_parse(arrived, '${format}'), 'UTC'))) AS day
  FROM ${logs}
  WHERE verdict IS NOT NULL
    -- Partitions follow the time of delivery: a day on each side includes late records.
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
