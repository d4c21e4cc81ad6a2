-- One row a signed-in browser, with the tokens its gate cookies carry beside it.

CREATE TABLE sessions (
    id             uuid PRIMARY KEY,
    user_id        uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    token_digest   bytea NOT NULL UNIQUE CHECK (octet_length(token_digest) = 32),
    remember       boolean NOT NULL,
    address        inet,
    user_agent     text CHECK (octet_length(user_agent) <= 512),
    created_at     timestamptz NOT NULL,
    -- Written often and never indexed, so that an update stays within its page.
    last_active_at timestamptz NOT NULL,
    last_auth_at   timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE gate_tokens (
    digest     bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
    -- The cookie's Domain; '' for a cookie of this host alone.
    domain     text NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (session_id, domain)
);
