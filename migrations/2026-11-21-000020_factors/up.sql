-- What people prove themselves with beside a password, and those who have still to do so.

-- One authenticator app a person. Until a right code has enabled it, it is worth nothing and asks nobody for anything.
CREATE TABLE totp_factors (
    user_id       uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    -- Sealed with the keys of the configuration and bound to its person.
    sealed_secret bytea NOT NULL,
    created_at    timestamptz NOT NULL,
    enabled_at    timestamptz,
    -- The latest time step whose code was used: neither it nor an earlier one is taken again (RFC 6238, section 5.2).
    last_step     bigint NOT NULL
);

-- A keyed digest: without the keys of the configuration nobody can try codes out on a copy of this table.
CREATE TABLE recovery_codes (
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    digest     bytea NOT NULL CHECK (octet_length(digest) = 32),
    created_at timestamptz NOT NULL,
    used_at    timestamptz,
    PRIMARY KEY (user_id, digest)
);

-- Browsers whose person has given the right password and owes a second proof. No sessions: their cookie is looked up
-- here and nowhere else.
CREATE TABLE pending_sign_ins (
    token_digest bytea PRIMARY KEY CHECK (octet_length(token_digest) = 32),
    user_id      uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    -- The first proof: 'password', …
    method       text NOT NULL,
    remember     boolean NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    -- Codes tried, right or wrong.
    attempts     integer NOT NULL DEFAULT 0
);
CREATE INDEX pending_sign_ins_by_user ON pending_sign_ins (user_id);
CREATE INDEX pending_sign_ins_by_end ON pending_sign_ins (expires_at);
