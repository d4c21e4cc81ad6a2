-- Administrators, and the link of the start-up banner that makes the first one.

ALTER TABLE users ADD COLUMN is_admin boolean NOT NULL DEFAULT false;
CREATE INDEX users_who_are_admins ON users (id) WHERE is_admin;

CREATE TABLE setup_links (
    -- Never more than one: a new one takes the place of the last.
    is_latest  boolean PRIMARY KEY DEFAULT true CHECK (is_latest),
    digest     bytea NOT NULL CHECK (octet_length(digest) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
