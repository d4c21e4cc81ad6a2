-- Sessions as people see them: devices, the places they sign in from, and why a session ended. And the word that
-- goes to every node when a session or a person changes.

ALTER TABLE sessions
    -- How its holder proved who they are: 'password', …
    ADD COLUMN methods text[] NOT NULL DEFAULT '{}',
    -- The same for as long as the browser stays signed in, whatever its session's id and cookies are now.
    ADD COLUMN device_id uuid,
    -- Its holder's powers have changed: the next request of its browser gets a new id and new cookies.
    ADD COLUMN rotation_due boolean NOT NULL DEFAULT false;
UPDATE sessions SET device_id = id;
ALTER TABLE sessions ALTER COLUMN device_id SET NOT NULL;
CREATE UNIQUE INDEX sessions_by_device ON sessions (device_id);
CREATE INDEX sessions_by_end ON sessions (expires_at);

-- Why a browser that comes back is not signed in any more. Without this it would not be told.
CREATE TABLE ended_sessions (
    token_digest bytea PRIMARY KEY CHECK (octet_length(token_digest) = 32),
    user_id      uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    reason       text NOT NULL,
    ended_at     timestamptz NOT NULL
);
CREATE INDEX ended_sessions_by_user ON ended_sessions (user_id);
CREATE INDEX ended_sessions_by_end ON ended_sessions (ended_at);

-- Where somebody has signed in from, kept when the session is gone. An IPv6 address stands for its /64.
CREATE TABLE places (
    user_id       uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    network       inet NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    PRIMARY KEY (user_id, network)
);
CREATE INDEX places_by_last_seen ON places (last_seen_at);

-- Every node keeps live sessions in memory and listens here. The triggers see to it that no statement can end or
-- alter a session, or change a person, without a word; 's' and 'u' say whose id follows.
CREATE FUNCTION tell_of_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('vestibule_live', 's' || OLD.id);
    RETURN NULL;
END
$$;

CREATE FUNCTION tell_of_gate_token() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('vestibule_live', 's' || OLD.session_id);
    RETURN NULL;
END
$$;

CREATE FUNCTION tell_of_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('vestibule_live', 'u' || OLD.id);
    RETURN NULL;
END
$$;

CREATE FUNCTION tell_of_everything() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('vestibule_live', '*');
    RETURN NULL;
END
$$;

CREATE TRIGGER sessions_tell_of_their_end AFTER DELETE ON sessions
    FOR EACH ROW EXECUTE FUNCTION tell_of_session();
-- Every column but last_active_at, which each node keeps for itself and is written all the time.
CREATE TRIGGER sessions_tell_of_changes
    AFTER UPDATE OF id, user_id, token_digest, remember, address, user_agent, created_at, last_auth_at, expires_at,
        methods, device_id, rotation_due ON sessions
    FOR EACH ROW EXECUTE FUNCTION tell_of_session();
CREATE TRIGGER gate_tokens_tell_of_changes AFTER UPDATE OR DELETE ON gate_tokens
    FOR EACH ROW EXECUTE FUNCTION tell_of_gate_token();
CREATE TRIGGER users_tell_of_changes AFTER UPDATE OR DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION tell_of_person();
CREATE TRIGGER sessions_tell_of_truncation AFTER TRUNCATE ON sessions
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_everything();
CREATE TRIGGER gate_tokens_tell_of_truncation AFTER TRUNCATE ON gate_tokens
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_everything();
CREATE TRIGGER users_tell_of_truncation AFTER TRUNCATE ON users
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_everything();
