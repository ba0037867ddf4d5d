-- Which hosts query the names of other resolvers, such as DNS over HTTPS?
--
-- A host with a resolver of its own leaves no more queries here. One row per host and query
-- name, first seen first. The reason listed means that a feed with the category has the name:
-- import lists of such resolvers with the category doh, several, because they differ. The
-- reason canary means a name that programs query to learn whether they may use another
-- resolver. It says that such a program runs, and does not say that it uses one.
--
-- Parameters, each between /*name:*/ and /*:name*/ wherever it is used:
--   from        timestamp  start of the period (a week ago if not set)
--   until       timestamp  end of the period (now if not set)
--   category    text       category of the feeds that list such resolvers (doh if not set)
--   canaries    text       query names, separated by spaces (use-application-dns.net mask.icloud.com mask-h2.icloud.com _dns.resolver.arpa if not set)
--   exceptions  text       query names, and hosts as account/VPC/address, to leave out, separated by spaces (none if not set)
WITH logged AS (
  SELECT DISTINCT account_id, vpc_id, srcaddr, srcport, transport, query_timestamp, query_name, query_type, query_class,
         -- Only ASCII letters are lowered, and a final dot does not count.
         array_join(filter(split(translate(query_name, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz'), '.'),
                           label -> label <> ''), '.') AS name,
         verdict = 'malicious' AND threat.category = /*category:*/'doh'/*:category*/ AS listed,
         IF(verdict = 'malicious', threat.feeds) AS feeds,
         coalesce(try(from_iso8601_timestamp(query_timestamp)),
                  with_timezone(date_parse(arrived, '${format}'), 'UTC')) AS asked_at
  FROM ${logs}
  WHERE verdict IS NOT NULL
    -- Partitions follow the time of delivery: a day on each side includes late records.
    AND arrived BETWEEN
        date_format(/*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/ - INTERVAL '1' DAY, '${format}') AND
        date_format(/*until:*/current_timestamp/*:until*/ + INTERVAL '86399' SECOND, '${format}')
)
SELECT account_id, vpc_id, srcaddr, name AS query_name,
       IF(coalesce(listed, false), 'listed', 'canary') AS reason,
       nullif(array_join(array_sort(array_distinct(flatten(array_agg(IF(listed, feeds))))), ' '), '') AS feeds,
       count(*) AS logged_queries,
       date_format(min(asked_at), '%Y-%m-%dT%H:%i:%sZ') AS first_seen,
       date_format(max(asked_at), '%Y-%m-%dT%H:%i:%sZ') AS last_seen
FROM logged
WHERE asked_at >= /*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/
  AND asked_at < /*until:*/current_timestamp/*:until*/
  AND (listed OR contains(split(/*canaries:*/'use-application-dns.net mask.icloud.com mask-h2.icloud.com _dns.resolver.arpa'/*:canaries*/, ' '), name))
  AND NOT contains(split(/*exceptions:*/''/*:exceptions*/, ' '), name)
  AND NOT contains(split(/*exceptions:*/''/*:exceptions*/, ' '),
                   coalesce(account_id, '') || '/' || coalesce(vpc_id, '') || '/' || coalesce(srcaddr, ''))
GROUP BY account_id, vpc_id, srcaddr, name, coalesce(listed, false)
ORDER BY min(asked_at), account_id, vpc_id, srcaddr, query_name, reason
