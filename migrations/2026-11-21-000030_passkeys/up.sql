-- Keys on people's devices, and what is under way with them.

CREATE TABLE passkeys (
    id            uuid PRIMARY KEY,
    user_id       uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    -- By which an authenticator and we know it. At most 1023 bytes (WebAuthn, section 7.1).
    credential_id bytea NOT NULL UNIQUE CHECK (octet_length(credential_id) BETWEEN 1 AND 1023),
    -- The public key, the counter and what the authenticator has said of itself. Nothing in it is a secret.
    credential    jsonb NOT NULL,
    name          text NOT NULL,
    -- Whether it was kept in more than one place when it was last used.
    backed_up     boolean NOT NULL,
    created_at    timestamptz NOT NULL,
    last_used_at  timestamptz
);
CREATE INDEX passkeys_by_user ON passkeys (user_id);

-- Questions put to an authenticator. Whatever the answer is, the row is gone with the first one.
CREATE TABLE passkey_ceremonies (
    digest     bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    -- 'register', 'sign_in', 'second_factor' or 'confirm'.
    purpose    text NOT NULL,
    -- Who has asked, as a digest: somebody's device, a browser that is half signed in, or a network.
    asker      bytea NOT NULL CHECK (octet_length(asker) = 32),
    user_id    uuid REFERENCES users ON DELETE CASCADE,
    -- The challenge and what the answer must be like.
    state      jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX passkey_ceremonies_by_asker ON passkey_ceremonies (purpose, asker, created_at);
CREATE INDEX passkey_ceremonies_by_user ON passkey_ceremonies (user_id);
CREATE INDEX passkey_ceremonies_by_end ON passkey_ceremonies (expires_at);
