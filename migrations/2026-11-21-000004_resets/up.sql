-- Forgotten passwords: who has asked, and the links that were mailed.

-- Somebody has typed an address. Whether it has an account is looked up later, when nobody is watching the clock:
-- hence no foreign keys. A row is gone within a second.
CREATE TABLE password_reset_requests (
    id         uuid PRIMARY KEY,
    email      text NOT NULL,
    -- On whose behalf, as far as it is known.
    actor_id   uuid,
    session_id uuid,
    address    inet,
    user_agent text CHECK (octet_length(user_agent) <= 512),
    request_id text NOT NULL
);

-- One row a mailed link.
CREATE TABLE password_resets (
    digest     bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    email_key  text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX password_resets_by_user ON password_resets (user_id);
