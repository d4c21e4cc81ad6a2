-- People who leave: the link by which they stay after all, and how the audit forgets who they were.

-- One row a mailed link. It holds for as long as its person is leaving and not gone.
CREATE TABLE restore_links (
    digest     bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL
);
CREATE INDEX restore_links_by_user ON restore_links (user_id);

-- What is written to somebody who goes must be found, whomever it is about.
CREATE INDEX mail_outbox_by_recipient ON mail_outbox (lower(recipient));

-- Audit events are never changed but by anonymise_audit, below: it says whose rows they are, and even then nothing but
-- who, from where and in which session can be taken out of them, and details.
CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    erased text := NULLIF(current_setting('vestibule.erased', true), '');
BEGIN
    IF TG_OP = 'UPDATE' AND erased IS NOT NULL THEN
        IF erased IN (COALESCE(OLD.actor_id::text, ''), COALESCE(OLD.subject_id::text, ''))
            AND erased NOT IN (COALESCE(NEW.actor_id::text, ''), COALESCE(NEW.subject_id::text, ''))
            AND (erased = OLD.actor_id::text OR NEW.actor_id IS NOT DISTINCT FROM OLD.actor_id)
            AND (erased = OLD.subject_id::text OR NEW.subject_id IS NOT DISTINCT FROM OLD.subject_id)
            AND (NEW.actor_id IS NULL) = (OLD.actor_id IS NULL)
            AND (NEW.subject_id IS NULL) = (OLD.subject_id IS NULL)
            AND (NEW.id, NEW.at, NEW.kind, NEW.hand) = (OLD.id, OLD.at, OLD.kind, OLD.hand)
            AND NEW.organization_id IS NOT DISTINCT FROM OLD.organization_id
            AND (NEW.session_id IS NULL OR NEW.session_id = OLD.session_id)
            AND (NEW.address IS NULL OR NEW.address = OLD.address)
            AND (NEW.user_agent IS NULL OR NEW.user_agent = OLD.user_agent)
            AND NEW.request_id IN ('', OLD.request_id)
            AND OLD.details @> NEW.details
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit events are never changed or deleted';
END
$$;

-- Puts a pseudonym in the place of a person in some of their rows, at most so many of each kind (done by them, about
-- them), and says in how many: none when nothing is left to do. Where they acted, or nobody else is known to have, it is
-- not kept from where; of the details only those stay whose keys are named.
CREATE FUNCTION anonymise_audit(person uuid, pseudonym uuid, harmless text[], most integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    changed integer;
BEGIN
    PERFORM set_config('vestibule.erased', person::text, true);
    WITH theirs AS (
        (SELECT id FROM audit_events WHERE actor_id = person LIMIT most)
        UNION
        (SELECT id FROM audit_events WHERE subject_id = person LIMIT most)
    ), judged AS (
        SELECT e.id, e.actor_id IS NOT DISTINCT FROM person OR (e.actor_id IS NULL AND e.hand = 'visitor') AS is_own
        FROM audit_events e JOIN theirs ON theirs.id = e.id
    )
    UPDATE audit_events e SET
        actor_id   = CASE WHEN e.actor_id = person THEN pseudonym ELSE e.actor_id END,
        subject_id = CASE WHEN e.subject_id = person THEN pseudonym ELSE e.subject_id END,
        session_id = CASE WHEN is_own THEN NULL ELSE e.session_id END,
        address    = CASE WHEN is_own THEN NULL ELSE e.address END,
        user_agent = CASE WHEN is_own THEN NULL ELSE e.user_agent END,
        request_id = CASE WHEN is_own THEN '' ELSE e.request_id END,
        details    = COALESCE(
            (SELECT jsonb_object_agg(key, value) FROM jsonb_each(e.details) WHERE key = ANY (harmless)), '{}')
    FROM judged WHERE e.id = judged.id;
    GET DIAGNOSTICS changed = ROW_COUNT;
    PERFORM set_config('vestibule.erased', '', true);
    RETURN changed;
END
$$;
