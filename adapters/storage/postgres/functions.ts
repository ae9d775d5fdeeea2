/**
 * What the server does in one statement: the functions of the schema. Each name ends with the version of what it does,
 * so that two releases can share a store.
 *
 * Guarantees: a call is a transaction. The row of a shard is locked first, in the order of the shards; so a commit and
 * an acquisition of the same shard never overlap, and two commits never wait for each other in a circle. What is to be
 * durable is so also where the session's `synchronous_commit` is off.
 *
 * @module
 */
import { CORRUPT } from "./failure.ts";

/** How long an outcome is kept behind the newest one, ms. */
const OUTCOME_MS = 86_400_000;

const KEY = "s int, t text, w text, i text";
const SAME = "x.shard = a.s AND x.tenant = a.t AND x.workflow = a.w AND x.id = a.i";

/**
 * The functions of a schema, whose name is given as an identifier. Before a table has statistics the planner takes it
 * for small, and a plan once made is kept: so the plans that cost as much as the table is long are switched off.
 */
export function functionsOf(schema: string): string {
  const settings = `LANGUAGE plpgsql SET search_path = ${schema}, pg_temp
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off`;
  const durable = `IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;`;
  return `
CREATE OR REPLACE FUNCTION ${schema}.acquire_1(p_shard int, p_owner text, p_ttl bigint,
  OUT o_epoch bigint, OUT o_batch text, OUT o_clean boolean) RETURNS SETOF record ${settings} AS $$
DECLARE s shard%ROWTYPE;
BEGIN
  -- Who only asks whether the owner lives leaves its row alone.
  PERFORM 1 FROM shard WHERE id = p_shard AND (owner IS NULL OR owner = p_owner OR expires <= clock_timestamp());
  IF NOT FOUND THEN RETURN; END IF;
  ${durable}
  SELECT * INTO s FROM shard WHERE id = p_shard FOR UPDATE;
  IF s.owner IS NOT NULL AND s.owner <> p_owner AND s.expires > clock_timestamp() THEN RETURN; END IF;
  UPDATE shard SET epoch = s.epoch + 1, owner = p_owner, clean = false,
    expires = clock_timestamp() + p_ttl * interval '1 millisecond' WHERE id = p_shard;
  o_epoch := s.epoch + 1; o_batch := s.last_batch; o_clean := s.clean;
  RETURN NEXT;
END $$;

CREATE OR REPLACE FUNCTION ${schema}.survey_1(p_owner text, p_ttl bigint, p_process text,
  OUT o_members json, OUT o_shards json) ${settings} AS $$
BEGIN
  IF p_ttl <= 0 THEN
    DELETE FROM member WHERE owner = p_owner;
  ELSE
    -- Who has said so lately only reads.
    PERFORM 1 FROM member WHERE owner = p_owner AND expires > clock_timestamp() + p_ttl * interval '0.7 millisecond';
    IF NOT FOUND THEN
      INSERT INTO member VALUES (p_owner, p_process, clock_timestamp() + p_ttl * interval '1 millisecond')
        ON CONFLICT (owner) DO UPDATE SET expires = excluded.expires;
      DELETE FROM member WHERE expires < clock_timestamp() - interval '1 minute';
    END IF;
  END IF;
  SELECT coalesce(json_agg(json_build_object('owner', m.owner, 'process', m.process)), '[]') INTO o_members
    FROM member m WHERE m.expires > clock_timestamp();
  SELECT json_agg(CASE WHEN s.expires > clock_timestamp() THEN s.owner END ORDER BY s.id) INTO o_shards FROM shard s;
END $$;

CREATE OR REPLACE FUNCTION ${schema}.bury_1(p_owner text) RETURNS void ${settings} AS $$
BEGIN
  ${durable}
  PERFORM 1 FROM shard WHERE owner = p_owner ORDER BY id FOR UPDATE;
  UPDATE shard SET expires = 'epoch' WHERE owner = p_owner;
  DELETE FROM member WHERE owner = p_owner;
END $$;

CREATE OR REPLACE FUNCTION ${schema}.commit_1(p_batch text, p_fences text, p_drops text, p_heads text, p_appends text,
  p_gone text, p_cells text, p_acks text) RETURNS text ${settings} AS $$
DECLARE stale json; n bigint; bad bigint; at_next bigint; acks json := p_acks::json;
BEGIN
  ${durable}
  PERFORM 1 FROM shard WHERE id IN (SELECT f.s FROM json_to_recordset(p_fences::json) AS f(s int)) ORDER BY id FOR UPDATE;
  SELECT json_agg(f.s) INTO stale FROM json_to_recordset(p_fences::json) AS f(s int, e bigint)
    WHERE NOT EXISTS (SELECT 1 FROM shard x WHERE x.id = f.s AND x.epoch = f.e AND NOT x.clean);
  IF stale IS NOT NULL THEN RETURN stale::text; END IF;
  UPDATE shard SET last_batch = p_batch FROM json_to_recordset(p_fences::json) AS f(s int) WHERE shard.id = f.s;

  IF p_drops IS NOT NULL THEN
    WITH gone AS (DELETE FROM inst x USING json_to_recordset(p_drops::json) AS a(${KEY}) WHERE ${SAME} RETURNING x.iid)
    DELETE FROM journal j USING gone WHERE j.iid = gone.iid;
  END IF;

  IF p_heads IS NOT NULL THEN
    INSERT INTO inst AS x (shard, tenant, workflow, id, status, wake, created, ended, data)
    SELECT a.s, a.t, a.w, a.i, a.u, a.k, a.c, a.e, a.x FROM json_to_recordset(p_heads::json)
      AS a(${KEY}, u text, k bigint, c bigint, e bigint, x text)
    ON CONFLICT (tenant, workflow, id) DO UPDATE SET status = excluded.status, wake = excluded.wake,
      created = excluded.created, ended = excluded.ended, data = excluded.data WHERE x.shard = excluded.shard;
    GET DIAGNOSTICS n = ROW_COUNT;
    IF n <> json_array_length(p_heads::json) THEN
      RAISE EXCEPTION 'The instance belongs to another shard' USING ERRCODE = '${CORRUPT}';
    END IF;
  END IF;

  IF p_appends IS NOT NULL THEN
    -- f: the first text of its journal in this batch; those behind it were compared with each other before.
    WITH a AS MATERIALIZED (
      SELECT x.iid, a.q, a.c, a.x, a.f FROM json_to_recordset(p_appends::json)
        AS a(${KEY}, q bigint, c bigint, x text, f boolean) JOIN inst x ON ${SAME}
    ), added AS (INSERT INTO journal(iid, seq, count, text) SELECT a.iid, a.q, a.c, a.x FROM a)
    SELECT count(*), min(a.q) FILTER (WHERE a.f AND coalesce(l.next, 0) <> a.q),
      min(coalesce(l.next, 0)) FILTER (WHERE a.f AND coalesce(l.next, 0) <> a.q) INTO n, bad, at_next
    FROM a LEFT JOIN LATERAL (SELECT j.seq + j.count AS next FROM journal j WHERE a.f AND j.iid = a.iid
      ORDER BY j.seq DESC LIMIT 1) l ON true;
    IF bad IS NOT NULL THEN
      RAISE EXCEPTION 'The journal continues at %, not at %', at_next, bad USING ERRCODE = '${CORRUPT}';
    END IF;
    IF n <> json_array_length(p_appends::json) THEN
      RAISE EXCEPTION 'The journal has no head in this shard' USING ERRCODE = '${CORRUPT}';
    END IF;
  END IF;

  IF p_gone IS NOT NULL THEN
    DELETE FROM cell x USING json_to_recordset(p_gone::json) AS a(s int, k text) WHERE x.shard = a.s AND x.key = a.k;
  END IF;
  IF p_cells IS NOT NULL THEN
    INSERT INTO cell(shard, key, value) SELECT a.s, a.k, a.v FROM json_to_recordset(p_cells::json) AS a(s int, k text, v text)
    ON CONFLICT (shard, key) DO UPDATE SET value = excluded.value;
  END IF;

  IF acks IS NOT NULL THEN
    DELETE FROM inbox x USING json_to_recordset(acks) AS a(s int, k text) WHERE x.shard = a.s AND x.key = a.k;
    INSERT INTO outcome(shard, key, outcome, at)
    SELECT a.s, a.k, a.o, a.a FROM json_to_recordset(acks) AS a(s int, k text, o text, a bigint)
    ON CONFLICT (shard, key) DO UPDATE SET outcome = excluded.outcome, at = excluded.at;
    -- In steps that follow the acknowledgements, so that no commit pays for a day of them. A message that came while it
    -- was acknowledged goes with its outcome, which hides it until then.
    WITH old AS MATERIALIZED (
      SELECT o.shard, o.key FROM (
        SELECT a.s, max(a.a) AS newest, count(*) * 2 + 16 AS most
        FROM json_to_recordset(acks) AS a(s int, a bigint) GROUP BY a.s
      ) m CROSS JOIN LATERAL (
        SELECT x.shard, x.key FROM outcome x WHERE x.shard = m.s AND x.at < m.newest - ${OUTCOME_MS} ORDER BY x.at LIMIT m.most
      ) o
    ), hidden AS (DELETE FROM inbox x USING old WHERE x.shard = old.shard AND x.key = old.key)
    DELETE FROM outcome x USING old WHERE x.shard = old.shard AND x.key = old.key;
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION ${schema}.post_1(p_messages text) RETURNS void ${settings} AS $$
BEGIN
  ${durable}
  -- In the order of the keys, so that two who post the same never wait for each other in a circle; numbered as given.
  INSERT INTO inbox(shard, key, body, n) OVERRIDING SYSTEM VALUE
    SELECT p.s, p.k, p.b, p.n FROM (
      SELECT a.m->>'k' AS k, (a.m->>'s')::int AS s, a.m->>'b' AS b, nextval(pg_get_serial_sequence('inbox', 'n')) AS n
      FROM json_array_elements(p_messages::json) WITH ORDINALITY AS a(m, at) ORDER BY a.at
    ) p WHERE NOT EXISTS (SELECT 1 FROM outcome o WHERE o.shard = p.s AND o.key = p.k) ORDER BY p.s, p.k
    ON CONFLICT (shard, key) DO NOTHING;
END $$;

CREATE OR REPLACE FUNCTION ${schema}.outcomes_1(p_keys text) RETURNS TABLE(o_at int, o_outcome text) ${settings} AS $$
BEGIN
  RETURN QUERY SELECT a.n, o.outcome FROM json_to_recordset(p_keys::json) AS a(n int, s int, k text)
    JOIN outcome o ON o.shard = a.s AND o.key = a.k;
END $$;

CREATE OR REPLACE FUNCTION ${schema}.put_blob_1(p_tenant text, p_hash text, p_bytes bytea) RETURNS void ${settings} AS $$
BEGIN
  ${durable}
  INSERT INTO blob(tenant, hash, bytes) VALUES (p_tenant, p_hash, p_bytes) ON CONFLICT DO NOTHING;
END $$;
`;
}
