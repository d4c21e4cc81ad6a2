-- Links that sign somebody in, and one queue for all that is asked for by typing an address.

-- Somebody has typed an address. Whether it has an account is looked up later, when nobody is watching the clock:
-- hence no foreign keys. A row is gone within a second.
CREATE TABLE letter_requests (
    id             uuid PRIMARY KEY,
    email          text NOT NULL,
    wish           text NOT NULL CHECK (wish IN ('new_password', 'magic_link')),
    -- Of the browser that is to be signed in.
    browser_digest bytea CHECK (octet_length(browser_digest) = 32),
    -- On whose behalf, as far as it is known.
    actor_id       uuid,
    session_id     uuid,
    address        inet,
    user_agent     text CHECK (octet_length(user_agent) <= 512),
    request_id     text NOT NULL,
    CHECK ((wish = 'magic_link') = (browser_digest IS NOT NULL))
);

INSERT INTO letter_requests (id, email, wish, actor_id, session_id, address, user_agent, request_id)
SELECT id, email, 'new_password', actor_id, session_id, address, user_agent, request_id FROM password_reset_requests;
DROP TABLE password_reset_requests;

-- One row a browser that has asked, whether or not the address has an account: strangers must not see a difference.
CREATE TABLE magic_links (
    -- Of its cookie, without which neither the link nor the code signs anybody in.
    browser_digest bytea PRIMARY KEY CHECK (octet_length(browser_digest) = 32),
    remember       boolean NOT NULL,
    -- Where it was asked from, for whoever opens the link elsewhere.
    address        inet,
    user_agent     text CHECK (octet_length(user_agent) <= 512),
    asked_at       timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    -- Wrong codes.
    attempts       integer NOT NULL DEFAULT 0,
    -- From here on: once a letter was written.
    user_id        uuid REFERENCES users ON DELETE CASCADE,
    email_key      text,
    token_digest   bytea UNIQUE CHECK (octet_length(token_digest) = 32),
    -- Once the code was shown to whoever has the link: a keyed digest, since six digits are soon tried out.
    code_digest    bytea CHECK (octet_length(code_digest) = 32),
    CHECK (num_nulls(user_id, email_key, token_digest) IN (0, 3)),
    CHECK (code_digest IS NULL OR token_digest IS NOT NULL)
);
CREATE INDEX magic_links_by_user ON magic_links (user_id);
CREATE INDEX magic_links_by_end ON magic_links (expires_at);
