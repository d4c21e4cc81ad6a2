-- Changes of addresses, and the way back.

-- Addresses that people had proved and have left. Until it ends, each can be had back by the link in the letter to it,
-- and nobody else can have it.
CREATE TABLE email_undos (
    digest     bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    -- In the order of the changes: whoever goes back to an address takes back all that came after it.
    number     bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    email      text NOT NULL,
    email_key  text NOT NULL CHECK (email_key = lower(email)),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX email_undos_by_user ON email_undos (user_id, number);
CREATE INDEX email_undos_by_address ON email_undos (email_key);
CREATE INDEX email_undos_by_end ON email_undos (expires_at);

-- Partial, though it holds every row. PostgreSQL takes an update of a column that a foreign key could refer to for one
-- that must wait for all rows referring to the person; those are written by transactions which hold sessions of theirs,
-- and whoever changes an address needs the sessions too. No foreign key can refer to a partial index.
ALTER TABLE users DROP CONSTRAINT users_email_key_key;
CREATE UNIQUE INDEX users_by_address ON users (email_key) WHERE email_key IS NOT NULL;

-- Whom the letter went to: it must not tell them the address that the account has later. NULL where it is not known.
ALTER TABLE not_me_links ADD COLUMN email_key text;
UPDATE not_me_links SET email_key = users.email_key FROM users WHERE users.id = not_me_links.user_id;
