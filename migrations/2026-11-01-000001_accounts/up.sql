-- People, and the links that prove their addresses.

CREATE TABLE users (
    id                uuid PRIMARY KEY,
    email             text NOT NULL,
    -- The whole address in lower case: one account per address, whatever its case.
    email_key         text NOT NULL UNIQUE CHECK (email_key = lower(email)),
    email_verified_at timestamptz,
    name              text NOT NULL DEFAULT '' CHECK (char_length(name) <= 200),
    -- A PHC string; NULL for somebody who has no password (yet).
    password_hash     text,
    created_at        timestamptz NOT NULL,
    disabled_at       timestamptz
);

-- One row a mailed link. A sign-up keeps what it wants to set on its own row, not on the account:
-- only the link's holder can make it count.
CREATE TABLE email_verifications (
    digest         bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    user_id        uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    email_key      text NOT NULL,
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    -- The browser that signed up, by the digest of its cookie.
    browser_digest bytea CHECK (octet_length(browser_digest) = 32),
    password_hash  text,
    name           text
);
CREATE INDEX email_verifications_by_user ON email_verifications (user_id);
