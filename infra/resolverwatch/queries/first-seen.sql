-- Which domains did nobody query before?
--
-- One row per host and registrable domain that no host of its account had queried in the days
-- before the period. hosts says how many hosts of the account queried the domain since,
-- logs_since is the first record of the account in those days: if it is recent, most domains
-- look new. This is a list to read next to a finding, not a list of findings: a fleet queries
-- new domains every day. It reads the logs of the period and of all days before it.
--
-- Parameters, each between /*name:*/ and /*:name*/ wherever it is used:
--   from        timestamp  start of the period (a day ago if not set)
--   until       timestamp  end of the period (now if not set)
--   history     integer    days before the period to compare with (30 if not set)
--   hosts       integer    maximum number of hosts that queried the domain (2 if not set)
--   exceptions  text       registrable domains, and hosts as account/VPC/address, to leave out, separated by spaces (amazonaws.com cloudfront.net if not set)
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
        date_format(/*from:*/current_timestamp - INTERVAL '1' DAY/*:from*/ - /*history:*/30/*:history*/ * INTERVAL '1' DAY - INTERVAL '1' DAY, '${format}') AND
        date_format(/*until:*/current_timestamp/*:until*/ + INTERVAL '86399' SECOND, '${format}')
), named AS (
  SELECT account_id, vpc_id, srcaddr, labels, asked_at,
         -- The registrable domain: two labels, or three below the likes of co.uk.
         CASE WHEN cardinality(labels) > 2 AND length(element_at(labels, -1)) = 2 AND element_at(labels, -2) IN
              ('co', 'com', 'net', 'org', 'gov', 'ac', 'edu', 'or', 'ne', 'go', 'gob', 'mil') THEN 3 ELSE 2 END AS kept
  FROM split
  WHERE asked_at >= /*from:*/current_timestamp - INTERVAL '1' DAY/*:from*/ - /*history:*/30/*:history*/ * INTERVAL '1' DAY
    AND asked_at < /*until:*/current_timestamp/*:until*/
    AND element_at(labels, -1) NOT IN ('arpa', 'internal', 'local', 'lan', 'home', 'corp')
), queried AS (
  SELECT account_id, vpc_id, srcaddr, asked_at, array_join(labels, '.') AS name,
         array_join(slice(labels, cardinality(labels) - kept + 1, kept), '.') AS registrable
  FROM named
  WHERE cardinality(labels) >= kept
), firsts AS (
  SELECT account_id, vpc_id, srcaddr, registrable, min(asked_at) AS first_seen, min(name) AS example,
         min(min(asked_at)) OVER (PARTITION BY account_id, registrable) AS first_in_account,
         count(*) OVER (PARTITION BY account_id, registrable) AS hosts,
         min(min(asked_at)) OVER (PARTITION BY account_id) AS logs_since
  FROM queried
  GROUP BY account_id, vpc_id, srcaddr, registrable
)
SELECT account_id, vpc_id, srcaddr, registrable,
       date_format(first_seen, '%Y-%m-%dT%H:%i:%sZ') AS first_seen,
       hosts, example,
       date_format(logs_since, '%Y-%m-%dT%H:%i:%sZ') AS logs_since
FROM firsts
WHERE first_in_account >= /*from:*/current_timestamp - INTERVAL '1' DAY/*:from*/
  AND hosts <= /*hosts:*/2/*:hosts*/
  AND NOT contains(split(/*exceptions:*/'amazonaws.com cloudfront.net'/*:exceptions*/, ' '), registrable)
  AND NOT contains(split(/*exceptions:*/'amazonaws.com cloudfront.net'/*:exceptions*/, ' '),
                   coalesce(account_id, '') || '/' || coalesce(vpc_id, '') || '/' || coalesce(srcaddr, ''))
ORDER BY hosts, firsts.first_seen, account_id, vpc_id, srcaddr, registrable
