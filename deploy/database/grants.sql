-- The privileges that the suite's own database user needs, and no others: docs/least-privilege.md. Run it as the tables'
-- owner, in the service's schema; it can be run again. Create the role first, manually or as an IAM user:
--   CREATE ROLE netra_verify LOGIN PASSWORD '...' NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT;
-- For a user with another name, replace 'netra_verify' throughout.
--
-- Row-level policies apply to every role that does not own the table. The first policy of each table changes nothing for
-- the service and all others; the suite can read what it must count, and add and delete only its own rows. No policy
-- refers to a column or a type of the service, so that no migration is refused because of one.

GRANT SELECT, INSERT, DELETE ON threads TO netra_verify;

CREATE OR REPLACE FUNCTION netra_verify_wrote(candidate anyelement) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN starts_with(candidate.id::text, 'nv-');
END
$$;

-- The suite's rows are those that it wrote, by their id, and those that the service created for its test users with other
-- ids. A row's owner is in user_id, if that column exists and is set, else in the metadata (json or jsonb). A text on which
-- ->> might raise belongs to the suite only if its first key says so.
DO $$
DECLARE
    by_metadata text := $owner$
        CASE WHEN candidate.metadata_::text ~ '\\u(0000|[dD][89a-fA-F])'
             THEN candidate.metadata_::text ~ '^\s*\{\s*"user_id"\s*:\s*"nv-'
             ELSE coalesce(starts_with(candidate.metadata_ ->> 'user_id', 'nv-'), false) END $owner$;
    whose text := by_metadata;
BEGIN
    IF EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = 'threads'::regclass AND attname = 'user_id' AND NOT attisdropped
    ) THEN
        whose := format('coalesce(starts_with(candidate.user_id::text, %L), %s)', 'nv-', by_metadata);
    END IF;
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION netra_verify_owns(candidate anyelement) RETURNS boolean LANGUAGE plpgsql STABLE AS %L',
        format('BEGIN IF starts_with(candidate.id::text, %L) THEN RETURN true; END IF; RETURN %s; END', 'nv-', whose)
    );
END
$$;

ALTER TABLE threads ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS netra_verify_leaves_others_alone ON threads;
CREATE POLICY netra_verify_leaves_others_alone ON threads
    USING (current_user <> 'netra_verify') WITH CHECK (current_user <> 'netra_verify');

-- The shapes of everyone's metadata are counted (data.bad-shapes), so all rows are read.
DROP POLICY IF EXISTS netra_verify_reads ON threads;
CREATE POLICY netra_verify_reads ON threads FOR SELECT TO netra_verify USING (true);

DROP POLICY IF EXISTS netra_verify_adds ON threads;
CREATE POLICY netra_verify_adds ON threads FOR INSERT TO netra_verify WITH CHECK (netra_verify_wrote(threads));

DROP POLICY IF EXISTS netra_verify_deletes ON threads;
CREATE POLICY netra_verify_deletes ON threads FOR DELETE TO netra_verify USING (netra_verify_owns(threads));

-- Messages of the suite's threads ([contract.database.messages]), if there is such a table: the suite writes some into threads
-- that it seeded, and deletes all messages of its threads, whoever wrote them. It sees no one else's. A target whose messages
-- are not written (table = "") does without this block: leave it out.
CREATE OR REPLACE FUNCTION netra_verify_in_own_thread(candidate anyelement) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM threads WHERE threads.id::text = candidate.thread_id::text AND netra_verify_owns(threads));
END
$$;

DO $$
BEGIN
    IF to_regclass('messages') IS NOT NULL THEN
        GRANT SELECT, INSERT, DELETE ON messages TO netra_verify;
        ALTER TABLE messages ENABLE ROW LEVEL SECURITY;
        DROP POLICY IF EXISTS netra_verify_leaves_others_alone ON messages;
        CREATE POLICY netra_verify_leaves_others_alone ON messages
            USING (current_user <> 'netra_verify') WITH CHECK (current_user <> 'netra_verify');
        DROP POLICY IF EXISTS netra_verify_sees_its_own ON messages;
        CREATE POLICY netra_verify_sees_its_own ON messages FOR SELECT TO netra_verify
            USING (netra_verify_wrote(messages) OR netra_verify_in_own_thread(messages));
        DROP POLICY IF EXISTS netra_verify_adds ON messages;
        CREATE POLICY netra_verify_adds ON messages FOR INSERT TO netra_verify
            WITH CHECK (netra_verify_wrote(messages) AND netra_verify_in_own_thread(messages));
        DROP POLICY IF EXISTS netra_verify_deletes_its_own ON messages;
        CREATE POLICY netra_verify_deletes_its_own ON messages FOR DELETE TO netra_verify
            USING (netra_verify_wrote(messages) OR netra_verify_in_own_thread(messages));
    END IF;
END
$$;

-- Rows that the service creates for test users by itself ([residue.tables]), if there is such a table.
CREATE OR REPLACE FUNCTION netra_verify_is(candidate anyelement) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN coalesce(candidate.email LIKE '%@netra-verify.invalid', false);
END
$$;

DO $$
BEGIN
    IF to_regclass('users') IS NOT NULL THEN
        GRANT SELECT, DELETE ON users TO netra_verify;
        ALTER TABLE users ENABLE ROW LEVEL SECURITY;
        DROP POLICY IF EXISTS netra_verify_leaves_others_alone ON users;
        CREATE POLICY netra_verify_leaves_others_alone ON users
            USING (current_user <> 'netra_verify') WITH CHECK (current_user <> 'netra_verify');
        DROP POLICY IF EXISTS netra_verify_sees_its_own ON users;
        CREATE POLICY netra_verify_sees_its_own ON users FOR SELECT TO netra_verify USING (netra_verify_is(users));
        DROP POLICY IF EXISTS netra_verify_deletes_its_own ON users;
        CREATE POLICY netra_verify_deletes_its_own ON users FOR DELETE TO netra_verify USING (netra_verify_is(users));
    END IF;
    IF to_regclass('alembic_version') IS NOT NULL THEN
        GRANT SELECT ON alembic_version TO netra_verify;
    END IF;
END
$$;
