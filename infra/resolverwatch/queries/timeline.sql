-- How many queries did each VPC log per hour, and how many of them were malicious?
--
-- One row per hour and VPC with logs.
--
-- Parameters, each between /*name:*/ and /*:name*/ wherever it is used:
--   from   timestamp  start of the period (a week ago if not set)
--   until  timestamp  end of the period (now if not set)
WITH logged AS (
  SELECT DISTINCT account_id, vpc_id, srcaddr, srcport, transport, query_timestamp, query_name, query_type, query_class,
         verdict,
         coalesce(try(from_iso8601_timestamp(query_timestamp)),
                  with_timezone(date_parse(arrived, '${format}'), 'UTC')) AS asked_at
  FROM ${logs}
  WHERE verdict IS NOT NULL
    -- Partitions follow the time of delivery: a day on each side includes late records.
    AND arrived BETWEEN
        date_format(/*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/ - INTERVAL '1' DAY, '${format}') AND
        date_format(/*until:*/current_timestamp/*:until*/ + INTERVAL '86399' SECOND, '${format}')
)
SELECT date_format(date_trunc('hour', asked_at), '%Y-%m-%dT%H:%i:%sZ') AS hour,
       account_id, vpc_id,
       count(*) AS logged_queries,
       count_if(verdict = 'malicious') AS malicious,
       count_if(verdict = 'allowed') AS allowed,
       count_if(verdict = 'unknown') AS unknown,
       count(DISTINCT IF(verdict = 'malicious', srcaddr)) AS malicious_hosts
FROM logged
WHERE asked_at >= /*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/
  AND asked_at < /*until:*/current_timestamp/*:until*/
GROUP BY date_trunc('hour', asked_at), account_id, vpc_id
ORDER BY hour, account_id, vpc_id
