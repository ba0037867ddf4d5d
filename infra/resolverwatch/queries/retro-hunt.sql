-- Which hosts queried a name before it was on a list?
--
-- Takes the entries that were added to the lists since a given time and looks for them in
-- older logs, by the same rules that mark records: names and their subdomains by scope,
-- targets and addresses in answers, allow entries as vetoes, the most severe part and the
-- deepest entry first. One row per host and entry. unmarked counts the queries that had no malicious verdict when
-- they were logged.
--
-- Parameters, each between /*name:*/ and /*:name*/ wherever it is used:
--   since  timestamp  entries added to a feed since then (a week ago if not set)
--   from   timestamp  start of the period (30 days ago if not set)
--   until  timestamp  end of the period (now if not set)
WITH listed AS (
  -- A block of addresses is compared by its leading bits as text. An IPv4 block uses the
  -- bits of its IPv6 form.
  SELECT indicator, scope, action, feed, coalesce(vetoes_all, false) AS vetoes_all, category, severity, confidence, added_at,
         array_position(ARRAY['name', 'subtree', 'under', 'cidr'], scope) AS breadth,
         array_position(ARRAY['low', 'medium', 'high', 'critical'], severity) AS badness,
         IF(scope <> 'cidr', 'name ' || indicator, 'address ' || substr(
           array_join(transform(
             regexp_extract_all(to_hex(CAST(CAST(IF(scope = 'cidr', split_part(indicator, '/', 1)) AS ipaddress) AS varbinary)), '.'),
             digit -> lpad(to_base(from_base(digit, 16), 2), 4, '0')), ''), 1,
           IF(strpos(indicator, ':') > 0, 0, 96) + coalesce(CAST(split_part(indicator, '/', 2) AS integer),
                                                            IF(strpos(indicator, ':') > 0, 128, 32)))) AS key
  FROM ${indicators}
  WHERE action = 'allow' OR from_iso8601_timestamp(added_at) >= /*since:*/current_timestamp - INTERVAL '7' DAY/*:since*/
), sizes AS (
  SELECT array_agg(DISTINCT length(key) - length('address ')) AS sizes FROM listed WHERE scope = 'cidr'
), logged AS (
  SELECT ROW(account_id, vpc_id, srcaddr, srcport, transport, query_timestamp, query_name, query_type, query_class) AS record,
         account_id, vpc_id, srcaddr, json_extract_scalar(srcids, '$.instance') AS instance, verdict,
         coalesce(try(from_iso8601_timestamp(query_timestamp)),
                  with_timezone(date_parse(arrived, '${format}'), 'UTC')) AS asked_at,
         -- What is looked up: the query name, then the answers in order. An HTTPS or SVCB
         -- answer has a target and hints of addresses.
         ARRAY['name ' || query_name] || coalesce(flatten(transform(answers, answer -> CASE
           WHEN upper(answer.type) = 'CNAME' THEN ARRAY['name ' || regexp_replace(answer.rdata, ' +\z')]
           WHEN upper(answer.type) IN ('A', 'AAAA') THEN ARRAY['address ' || regexp_replace(answer.rdata, ' +\z')]
           WHEN upper(answer.type) IN ('MX', 'SRV') THEN
             ARRAY['name ' || nullif(regexp_extract(answer.rdata, '([^ \t]+)[ \t]*\z', 1), '.')]
           WHEN upper(answer.type) IN ('HTTPS', 'SVCB', 'TYPE64', 'TYPE65')
             AND regexp_like(answer.rdata, '^[ \t]*[0-9]+[ \t]+[^ \t]') THEN
             ARRAY['name ' || nullif(element_at(regexp_extract_all(answer.rdata, '(?s)(?:\\.|\\\z|"(?:\\.|[^"\\])*(?:"|\\?\z)|[^ \t"\\])+'), 2), '.')]
             || transform(flatten(transform(
                  filter(slice(regexp_extract_all(answer.rdata, '(?s)(?:\\.|\\\z|"(?:\\.|[^"\\])*(?:"|\\?\z)|[^ \t"\\])+'), 3, 1000), param -> regexp_like(param, '(?i)^ipv[46]hint=')),
                  param -> split(regexp_replace(regexp_replace(param, '^[^=]*="*'), '"+\z'), ','))), hint -> 'address ' || hint)
           END)), ARRAY[]) AS parts
  FROM ${logs}
  -- A line that is not JSON has neither. Records without a verdict are from before
  -- Resolverwatch was set up.
  WHERE (verdict IS NOT NULL OR query_name IS NOT NULL)
    -- Partitions follow the time of delivery: a day on each side includes late records.
    AND arrived BETWEEN
        date_format(/*from:*/current_timestamp - INTERVAL '30' DAY/*:from*/ - INTERVAL '1' DAY, '${format}') AND
        date_format(/*until:*/current_timestamp/*:until*/ + INTERVAL '86399' SECOND, '${format}')
), observed AS (
  -- Only ASCII letters are lowered. The zone of an address has no meaning in an answer.
  SELECT logged.*, place,
         IF(starts_with(part, 'name '), translate(substr(part, length('name ') + 1),
            'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')) AS name,
         IF(starts_with(part, 'address '), try_cast(split_part(substr(part, length('address ') + 1), '%', 1) AS ipaddress)) AS address
  FROM logged CROSS JOIN UNNEST(parts) WITH ORDINALITY AS looked_up (part, place)
  WHERE asked_at >= /*from:*/current_timestamp - INTERVAL '30' DAY/*:from*/
    AND asked_at < /*until:*/current_timestamp/*:until*/
), split AS (
  -- A dot after a backslash does not separate labels. An escape, \. or \DDD, is one octet.
  SELECT observed.*,
         regexp_extract_all(name, '(?s)(?:\\[0-9]{3}|\\.|\\|[^.\\])+') AS labels,
         array_join(transform(regexp_extract_all(to_hex(CAST(address AS varbinary)), '.'),
                              digit -> lpad(to_base(from_base(digit, 16), 2), 4, '0')), '') AS bits
  FROM observed
), measured AS (
  SELECT split.*, transform(labels, label -> length(to_utf8(regexp_replace(label, '(?s)\\([0-9]{3}|.)',
         escaped -> IF(length(escaped[1]) = 3, '-', escaped[1]))))) AS octets
  FROM split
), translated AS (
  -- An address in 64:ff9b::/96 carries an IPv4 address, which is looked up too.
  SELECT measured.*, form, form_bits
  FROM measured CROSS JOIN UNNEST(IF(starts_with(bits, rpad('00000000011001001111111110011011', 96, '0')),
    ARRAY[bits, lpad('1111111111111111', 96, '0') || substr(bits, 97)], ARRAY[bits])) WITH ORDINALITY AS forms (form_bits, form)
), candidates AS (
  -- The name and its ancestors, or the blocks that contain the address. A name that does
  -- not fit into a DNS packet has none.
  SELECT translated.*, depth, key, coalesce(array_join(labels, '.'), CAST(address AS varchar)) AS matched
  FROM translated CROSS JOIN sizes CROSS JOIN UNNEST(CASE
    WHEN address IS NOT NULL THEN transform(sizes, size -> CAST(ROW(size, 'address ' || substr(form_bits, 1, size))
                                                              AS row(depth bigint, key varchar)))
    WHEN cardinality(labels) > 0
      AND (array_join(labels, '.') = name OR array_join(labels, '.') || '.' = name)
      AND array_max(octets) <= 63 AND reduce(octets, 1, (sum, size) -> sum + size + 1, sum -> sum) <= 255
    THEN transform(sequence(1, cardinality(labels)), size -> CAST(ROW(size, 'name ' ||
           array_join(slice(labels, -size, size), '.')) AS row(depth bigint, key varchar)))
    END) AS candidate (depth, key)
), matches AS (
  SELECT candidates.record, account_id, vpc_id, srcaddr, instance, verdict, asked_at, place, form, matched, depth,
         indicator, scope, action, feed, category, severity, confidence, added_at, breadth, badness,
         max(IF(action = 'allow' AND vetoes_all, depth)) OVER (PARTITION BY record, place, form) AS vetoed,
         max(IF(action = 'allow', depth)) OVER (PARTITION BY record, place, form, feed) AS vetoed_by_feed,
         max(IF(action = 'allow' AND vetoes_all AND place = 1, 1)) OVER (PARTITION BY record) AS name_allowed
  FROM candidates JOIN listed ON listed.key = candidates.key
    AND (scope IN ('subtree', 'cidr') OR (scope = 'name' AND depth = cardinality(labels))
         OR (scope = 'under' AND depth < cardinality(labels)))
), blocked AS (
  SELECT matches.*, max(badness) OVER (PARTITION BY record, place, form) AS worst
  FROM matches
  WHERE action = 'block' AND depth > coalesce(vetoed, -1) AND depth > coalesce(vetoed_by_feed, -1)
    AND (place = 1 OR name_allowed IS NULL)
), ranked AS (
  SELECT blocked.*, rank() OVER (PARTITION BY record ORDER BY worst DESC, place, form) AS choice
  FROM blocked
), hits AS (
  -- One row per distinct record: its most severe part, the first of several, by its deepest
  -- entry.
  SELECT arbitrary(account_id) AS account_id, arbitrary(vpc_id) AS vpc_id, arbitrary(srcaddr) AS srcaddr,
         arbitrary(instance) AS instance, min(asked_at) AS asked_at, bool_and(coalesce(verdict, '') <> 'malicious') AS unmarked,
         arbitrary(matched) AS matched,
         min_by(indicator, ROW(-depth, breadth)) AS indicator,
         min_by(scope, ROW(-depth, breadth)) AS scope,
         array_agg(DISTINCT feed) AS feeds,
         min_by(category, ROW(-badness, -confidence, feed, -depth, breadth)) AS category,
         min_by(confidence, ROW(-badness, -confidence, feed, -depth, breadth)) AS confidence,
         max(badness) AS badness,
         min_by(added_at, ROW(-depth, breadth, added_at)) AS added_at
  FROM ranked
  WHERE choice = 1
  GROUP BY record
)
SELECT account_id, vpc_id, srcaddr,
       nullif(array_join(array_sort(array_agg(DISTINCT instance)), ' '), '') AS instances,
       indicator, scope,
       array_join(array_sort(array_distinct(flatten(array_agg(feeds)))), ' ') AS feeds,
       min_by(category, ROW(-badness, -confidence, category)) AS category,
       element_at(ARRAY['low', 'medium', 'high', 'critical'], max(badness)) AS severity,
       min_by(confidence, ROW(-badness, -confidence)) AS confidence,
       min(added_at) AS added_at,
       min(matched) AS example,
       count(*) AS logged_queries,
       count_if(unmarked) AS unmarked,
       date_format(min(asked_at), '%Y-%m-%dT%H:%i:%sZ') AS first_seen,
       date_format(max(asked_at), '%Y-%m-%dT%H:%i:%sZ') AS last_seen
FROM hits
GROUP BY account_id, vpc_id, srcaddr, indicator, scope
ORDER BY max(badness) DESC, unmarked DESC, account_id, vpc_id, srcaddr, indicator, scope
