-- Did DNS Firewall stop malicious queries, and which other queries did it stop?
--
-- One row per firewall action and verdict. Malicious queries in the row "none" passed the
-- firewall.
--
-- Parameters, each between /*name:*/ and /*:name*/ wherever it is used:
--   from   timestamp  start of the period (a week ago if not set)
--   until  timestamp  end of the period (now if not set)
WITH logged AS (
  SELECT DISTINCT account_id, vpc_id, srcaddr, srcport, transport, query_timestamp, query_name, query_type, query_class,
         verdict,
         coalesce(nullif(upper(firewall_rule_action), ''), 'none') AS firewall,
         coalesce(try(from_iso8601_timestamp(query_timestamp)),
                  with_timezone(date_parse(arrived, '${format}'), 'UTC')) AS asked_at
  FROM ${logs}
  WHERE verdict IS NOT NULL
    -- Partitions follow the time of delivery: a day on each side includes late records.
    AND arrived BETWEEN
        date_format(/*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/ - INTERVAL '1' DAY, '${format}') AND
        date_format(/*until:*/current_timestamp/*:until*/ + INTERVAL '86399' SECOND, '${format}')
)
SELECT firewall, verdict,
       count(*) AS logged_queries,
       count(DISTINCT ROW(account_id, vpc_id, srcaddr)) AS hosts,
       count(DISTINCT lower(query_name)) AS names
FROM logged
WHERE asked_at >= /*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/
  AND asked_at < /*until:*/current_timestamp/*:until*/
GROUP BY firewall, verdict
ORDER BY firewall, logged_queries DESC, verdict
