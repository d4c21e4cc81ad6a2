-- The outbox: a letter is a row of the transaction that causes it, and is sent after the commit.

CREATE TABLE mail_outbox (
    id              uuid PRIMARY KEY,
    recipient       text NOT NULL,
    user_id         uuid REFERENCES users ON DELETE CASCADE,
    letter          text NOT NULL,
    -- What the templates are rendered with; nothing secret.
    details         jsonb NOT NULL,
    -- Links and codes, sealed; gone once the letter is sent or given up.
    sealed          bytea,
    created_at      timestamptz NOT NULL,
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    -- Somebody is sending it, and has until then. It becomes due again at the same instant.
    leased_until    timestamptz,
    -- A day after the first attempt.
    give_up_after   timestamptz,
    sent_at         timestamptz,
    gave_up_at      timestamptz,
    last_error      text,
    CHECK (sent_at IS NULL OR gave_up_at IS NULL),
    CHECK (sealed IS NULL OR (sent_at IS NULL AND gave_up_at IS NULL))
);
CREATE INDEX mail_outbox_due ON mail_outbox (next_attempt_at) WHERE sent_at IS NULL AND gave_up_at IS NULL;
CREATE INDEX mail_outbox_sent ON mail_outbox (sent_at) WHERE sent_at IS NOT NULL;
CREATE INDEX mail_outbox_given_up ON mail_outbox (gave_up_at) WHERE gave_up_at IS NOT NULL;
CREATE INDEX mail_outbox_by_user ON mail_outbox (user_id) WHERE user_id IS NOT NULL;
