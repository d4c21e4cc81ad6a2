-- Browsers in which somebody has signed in all the way, kept when the session is gone: strangers' failed attempts do
-- not make them wait. A browser has one cookie, and a row for each person who uses it.
CREATE TABLE known_devices (
    -- What attempts are counted for. It stays when the cookie is renewed.
    id           uuid PRIMARY KEY,
    token_digest bytea NOT NULL CHECK (octet_length(token_digest) = 32),
    user_id      uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    -- The device of the latest sign-in, which its person may sign out from elsewhere.
    device_id    uuid NOT NULL,
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    UNIQUE (token_digest, user_id)
);
CREATE INDEX known_devices_by_user ON known_devices (user_id);
CREATE INDEX known_devices_by_last_seen ON known_devices (last_seen_at);
