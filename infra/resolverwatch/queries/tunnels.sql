-- Which hosts send data in the names that they query?
--
-- A DNS tunnel writes its data into the labels below a domain of its own: many long names,
-- each only once. One row per host, registrable domain and day, most characters first.
-- names counts the distinct names below the domain, characters the characters of their
-- labels below it. Services that write ids or hashes into names look the same: name them in
-- exceptions.
--
-- Parameters, each between /*name:*/ and /*:name*/ wherever it is used:
--   from        timestamp  start of the period (a week ago if not set)
--   until       timestamp  end of the period (now if not set)
--   hours       integer    hours that are counted together, where 24 is a day in UTC (24 if not set)
--   names       integer    minimum number of names (100 if not set)
--   characters  integer    minimum number of characters (4000 if not set)
--   exceptions  text       registrable domains, and hosts as account/VPC/address, to leave out, separated by spaces (amazonaws.com cloudfront.net spamhaus.org mcafee.com sophosxl.net if not set)
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
), named AS (
  SELECT account_id, vpc_id, srcaddr, labels,
         floor(to_unixtime(asked_at) / 3600 / greatest(/*hours:*/24/*:hours*/, 1)) AS slot,
         -- The registrable domain: two labels, or three below the likes of co.uk.
         CASE WHEN cardinality(labels) > 2 AND length(element_at(labels, -1)) = 2 AND element_at(labels, -2) IN
              ('co', 'com', 'net', 'org', 'gov', 'ac', 'edu', 'or', 'ne', 'go', 'gob', 'mil') THEN 3 ELSE 2 END AS kept
  FROM split
  WHERE asked_at >= /*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/
    AND asked_at < /*until:*/current_timestamp/*:until*/
    AND element_at(labels, -1) NOT IN ('arpa', 'internal', 'local', 'lan', 'home', 'corp')
), sent AS (
  SELECT DISTINCT account_id, vpc_id, srcaddr, slot,
         array_join(slice(labels, cardinality(labels) - kept + 1, kept), '.') AS registrable,
         array_join(slice(labels, 1, cardinality(labels) - kept), '.') AS below
  FROM named
  WHERE cardinality(labels) > kept
), measured AS (
  SELECT sent.*, length(replace(below, '.', '')) AS size FROM sent
)
SELECT account_id, vpc_id, srcaddr, registrable,
       date_format(from_unixtime(slot * 3600 * greatest(/*hours:*/24/*:hours*/, 1), 'UTC'),
                   IF(/*hours:*/24/*:hours*/ = 24, '%Y-%m-%d', '%Y-%m-%dT%H:%i:%sZ')) AS day,
       count(*) AS names,
       sum(size) AS characters,
       round(avg(size), 1) AS mean_length,
       max_by(below, ROW(size, below)) || '.' || registrable AS example
FROM measured
WHERE NOT contains(split(/*exceptions:*/'amazonaws.com cloudfront.net spamhaus.org mcafee.com sophosxl.net'/*:exceptions*/, ' '), registrable)
  AND NOT contains(split(/*exceptions:*/'amazonaws.com cloudfront.net spamhaus.org mcafee.com sophosxl.net'/*:exceptions*/, ' '),
                   coalesce(account_id, '') || '/' || coalesce(vpc_id, '') || '/' || coalesce(srcaddr, ''))
GROUP BY account_id, vpc_id, srcaddr, registrable, slot
HAVING count(*) >= /*names:*/100/*:names*/
   AND sum(size) >= /*characters:*/4000/*:characters*/
ORDER BY characters DESC, account_id, vpc_id, srcaddr, registrable, day
