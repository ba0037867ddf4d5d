-- What did a host query just before and after a match?
--
-- One row per logged query, in order of time.
--
-- Parameters, each between /*name:*/ and /*:name*/ wherever it is used:
--   srcaddr  text       address of the host, must be given
--   vpc_id   text       VPC of the host (any VPC if not set)
--   at       timestamp  time of the match (now if not set)
--   minutes  integer    minutes to look before and after the match (15 if not set)
WITH logged AS (
  SELECT DISTINCT account_id, vpc_id, srcaddr, srcport, transport, query_timestamp, query_name, query_type, query_class,
         rcode, verdict, threat.indicator AS indicator,
         array_join(transform(answers, answer -> answer.rdata), ' ') AS answers,
         coalesce(try(from_iso8601_timestamp(query_timestamp)),
                  with_timezone(date_parse(arrived, '${format}'), 'UTC')) AS asked_at
  FROM ${logs}
  WHERE srcaddr = /*srcaddr:*/'192.0.2.1'/*:srcaddr*/
    AND /*vpc_id:*/''/*:vpc_id*/ IN ('', vpc_id)
    -- Partitions follow the time of delivery: a day on each side includes late records.
    AND arrived BETWEEN
        date_format(/*at:*/current_timestamp/*:at*/ - /*minutes:*/15/*:minutes*/ * INTERVAL '1' MINUTE
                    - INTERVAL '1' DAY, '${format}') AND
        date_format(/*at:*/current_timestamp/*:at*/ + /*minutes:*/15/*:minutes*/ * INTERVAL '1' MINUTE
                    + INTERVAL '86399' SECOND, '${format}')
)
SELECT date_format(asked_at, '%Y-%m-%dT%H:%i:%sZ') AS asked_at,
       account_id, vpc_id, query_name, query_type, rcode, verdict, indicator, answers
FROM logged
WHERE logged.asked_at BETWEEN
      /*at:*/current_timestamp/*:at*/ - /*minutes:*/15/*:minutes*/ * INTERVAL '1' MINUTE AND
      /*at:*/current_timestamp/*:at*/ + /*minutes:*/15/*:minutes*/ * INTERVAL '1' MINUTE
ORDER BY logged.asked_at, account_id, vpc_id, query_name, query_type, srcport, rcode, answers
