-- What the link in a letter about a new place stands for: one sign-in, which its owner may say was not theirs.

CREATE TABLE not_me_links (
    digest     bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    -- Of the session that was opened; it may have another id by now, or be gone.
    device_id  uuid NOT NULL,
    address    inet NOT NULL,
    -- What people call the browser; out of a fixed list.
    browser    text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX not_me_links_by_user ON not_me_links (user_id);
CREATE INDEX not_me_links_by_end ON not_me_links (expires_at);
