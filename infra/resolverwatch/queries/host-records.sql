-- Which records did these hosts log?
--
-- One row per distinct record, with the columns of the log. answers, srcids and
-- additional_properties are JSON, as Resolver writes them.
--
-- Parameters, each between /*name:*/ and /*:name*/ wherever it is used:
--   hosts  text       hosts as account/VPC/address, separated by spaces, must be given
--   from   timestamp  start of the period (a week ago if not set)
--   until  timestamp  end of the period (now if not set)
WITH logged AS (
  SELECT DISTINCT version, account_id, region, vpc_id, query_timestamp, query_name, query_type, query_class, rcode,
         json_format(CAST(transform(answers, answer -> MAP(ARRAY['Rdata', 'Type', 'Class'],
           ARRAY[answer.rdata, answer.type, answer.class])) AS JSON)) AS answers,
         srcaddr, srcport, transport, srcids, firewall_rule_action, firewall_rule_group_id, firewall_domain_list_id,
         additional_properties, verdict, threat.indicator AS indicator,
         coalesce(try(from_iso8601_timestamp(query_timestamp)),
                  with_timezone(date_parse(arrived, '${format}'), 'UTC')) AS asked_at
  FROM ${logs}
  WHERE contains(split(/*hosts:*/''/*:hosts*/, ' '), coalesce(account_id, '') || '/' || coalesce(vpc_id, '')
                 || '/' || coalesce(srcaddr, ''))
    -- Partitions follow the time of delivery: a day on each side includes late records.
    AND arrived BETWEEN
        date_format(/*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/ - INTERVAL '1' DAY, '${format}') AND
        date_format(/*until:*/current_timestamp/*:until*/ + INTERVAL '86399' SECOND, '${format}')
)
SELECT version, account_id, region, vpc_id, query_timestamp, query_name, query_type, query_class, rcode, answers,
       srcaddr, srcport, transport, srcids, firewall_rule_action, firewall_rule_group_id, firewall_domain_list_id,
       additional_properties, verdict, indicator
FROM logged
WHERE asked_at >= /*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/
  AND asked_at < /*until:*/current_timestamp/*:until*/
ORDER BY asked_at, account_id, vpc_id, srcaddr, query_name, query_type, srcport, answers, verdict
