-- What programs of a person use in place of a session.

CREATE TABLE api_keys (
    id             uuid PRIMARY KEY,
    user_id        uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    digest         bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    -- How it begins, so that its holder knows which one it is.
    hint           text NOT NULL CHECK (char_length(hint) <= 12),
    name           text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    -- 'gateway', 'account:read'
    scopes         text[] NOT NULL CHECK (cardinality(scopes) > 0),
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    -- Written once a minute at most, and never indexed, so that an update stays within its page.
    last_used_at   timestamptz,
    last_used_from inet
) WITH (fillfactor = 80);
CREATE INDEX api_keys_by_user ON api_keys (user_id);
CREATE INDEX api_keys_by_end ON api_keys (expires_at);

-- As for sessions: every node may remember keys, and hears of each that ends or changes; 'k' says whose id follows.
CREATE FUNCTION tell_of_api_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('vestibule_live', 'k' || OLD.id);
    RETURN NULL;
END
$$;

CREATE TRIGGER api_keys_tell_of_their_end AFTER DELETE ON api_keys
    FOR EACH ROW EXECUTE FUNCTION tell_of_api_key();
-- Every column but those of the last use.
CREATE TRIGGER api_keys_tell_of_changes
    AFTER UPDATE OF id, user_id, digest, hint, name, scopes, created_at, expires_at ON api_keys
    FOR EACH ROW EXECUTE FUNCTION tell_of_api_key();
CREATE TRIGGER api_keys_tell_of_truncation AFTER TRUNCATE ON api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_everything();
