-- Which hosts query many domains that do not exist?
--
-- Malware that generates the names of its servers queries them until one of them exists. One
-- row per host and day with enough registrable domains that do not exist, most domains first.
-- A domain counts if no name in it was answered for any host of the account in the period.
-- mean_length is the mean length of the first labels of the domains, with_digits the number
-- of them with a digit, example the longest. Names that DNS Firewall blocked do not count.
-- Mail servers that check senders, and crawlers, look the same: name them in exceptions.
--
-- Parameters, each between /*name:*/ and /*:name*/ wherever it is used:
--   from        timestamp  start of the period (a week ago if not set)
--   until       timestamp  end of the period (now if not set)
--   domains     integer    minimum number of domains per host and day (20 if not set)
--   exceptions  text       registrable domains, and hosts as account/VPC/address, to leave out, separated by spaces (none if not set)
WITH split AS (
  SELECT account_id, vpc_id, srcaddr, upper(rcode) AS rcode,
         -- Only ASCII letters are lowered. Empty labels, such as that after a final dot, do not count.
         filter(split(translate(query_name, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz'), '.'),
                label -> label <> '') AS labels,
         coalesce(try(from_iso8601_timestamp(query_timestamp)),
                  with_timezone(date_parse(arrived, '${format}'), 'UTC')) AS asked_at
  FROM ${logs}
  WHERE verdict IS NOT NULL AND upper(rcode) IN ('NXDOMAIN', 'NOERROR')
    AND coalesce(upper(firewall_rule_action), '') <> 'BLOCK'
    -- Partitions follow the time of delivery: a day on each side includes late records.
    AND arrived BETWEEN
        date_format(/*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/ - INTERVAL '1' DAY, '${format}') AND
        date_format(/*until:*/current_timestamp/*:until*/ + INTERVAL '86399' SECOND, '${format}')
), named AS (
  SELECT account_id, vpc_id, srcaddr, rcode, labels, floor(to_unixtime(asked_at) / 86400) AS slot,
         -- The registrable domain: two labels, or three below the likes of co.uk.
         CASE WHEN cardinality(labels) > 2 AND length(element_at(labels, -1)) = 2 AND element_at(labels, -2) IN
              ('co', 'com', 'net', 'org', 'gov', 'ac', 'edu', 'or', 'ne', 'go', 'gob', 'mil') THEN 3 ELSE 2 END AS kept
  FROM split
  WHERE asked_at >= /*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/
    AND asked_at < /*until:*/current_timestamp/*:until*/
    AND element_at(labels, -1) NOT IN ('arpa', 'internal', 'local', 'lan', 'home', 'corp')
), queried AS (
  SELECT account_id, vpc_id, srcaddr, slot, rcode, element_at(labels, -kept) AS label,
         array_join(slice(labels, cardinality(labels) - kept + 1, kept), '.') AS registrable
  FROM named
  WHERE cardinality(labels) >= kept
), domains AS (
  SELECT account_id, vpc_id, srcaddr, slot, label, registrable,
         bool_or(rcode = 'NXDOMAIN') AS dead,
         bool_or(bool_or(rcode = 'NOERROR')) OVER (PARTITION BY account_id, registrable) AS answered
  FROM queried
  GROUP BY account_id, vpc_id, srcaddr, slot, label, registrable
)
SELECT account_id, vpc_id, srcaddr,
       date_format(from_unixtime(slot * 86400, 'UTC'), '%Y-%m-%d') AS day,
       count(*) AS domains,
       round(avg(length(label)), 1) AS mean_length,
       count_if(regexp_like(label, '[0-9]')) AS with_digits,
       max_by(registrable, ROW(length(label), registrable)) AS example
FROM domains
WHERE dead AND NOT answered
  AND NOT contains(split(/*exceptions:*/''/*:exceptions*/, ' '), registrable)
  AND NOT contains(split(/*exceptions:*/''/*:exceptions*/, ' '),
                   coalesce(account_id, '') || '/' || coalesce(vpc_id, '') || '/' || coalesce(srcaddr, ''))
GROUP BY account_id, vpc_id, srcaddr, slot
HAVING count(*) >= /*domains:*/20/*:domains*/
ORDER BY domains DESC, account_id, vpc_id, srcaddr, day
