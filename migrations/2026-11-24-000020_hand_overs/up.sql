-- Apps under a domain that has no cookie in common with the portal: their hosts get gate tokens of their own, handed
-- over by way of the browser.

-- The one host at which a token is good that was handed over; '' for one that goes by its domain.
ALTER TABLE gate_tokens ADD COLUMN host text NOT NULL DEFAULT '';
ALTER TABLE gate_tokens ADD CHECK (host = '' OR domain = '');
ALTER TABLE gate_tokens DROP CONSTRAINT gate_tokens_session_id_domain_key;
CREATE UNIQUE INDEX gate_tokens_by_domain ON gate_tokens (session_id, domain) WHERE host = '';
-- A browser that opens several apps' pages at once has several for one host, for a while.
CREATE INDEX gate_tokens_by_host ON gate_tokens (session_id, host);

-- A session on its way to an app's host.
CREATE TABLE hand_overs (
    code_digest    bytea PRIMARY KEY CHECK (octet_length(code_digest) = 32),
    -- Another id is another session: what was under way begins anew.
    session_id     uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
    host           text NOT NULL CHECK (host <> ''),
    -- Of what the browser has got at that host, when it began there.
    binding_digest bytea NOT NULL CHECK (octet_length(binding_digest) = 32),
    return_to      text NOT NULL CHECK (octet_length(return_to) <= 2048),
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL
);
CREATE INDEX hand_overs_by_session ON hand_overs (session_id);
CREATE INDEX hand_overs_by_end ON hand_overs (expires_at);
