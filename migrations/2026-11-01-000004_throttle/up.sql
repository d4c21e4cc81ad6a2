-- Attempts and waits, in the database so that every node agrees.

CREATE TABLE throttles (
    -- What is counted: 'login.account', 'login.network', 'mail.account'.
    scope            text NOT NULL,
    -- The digest of whom it is counted for: an address need not exist to be counted.
    subject          bytea NOT NULL CHECK (octet_length(subject) = 32),
    attempts         integer NOT NULL,
    last_attempt_at  timestamptz NOT NULL,
    waits_until      timestamptz,
    PRIMARY KEY (scope, subject)
);
