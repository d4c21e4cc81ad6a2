-- A share of what the gate has decided, with all that rules ask for, so that other rules can be tried on it. No query, no
-- cookie, no key. What is older than gateway.record_kept, and all but the newest gateway.record_most, is forgotten.
CREATE TABLE gate_decisions (
    -- In the order of writing, so that the newest are found without counting.
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at               timestamptz NOT NULL,
    -- As it stands in the log and in X-Request-Id.
    request_id       text NOT NULL CHECK (char_length(request_id) BETWEEN 1 AND 64),
    -- Of all checks, when this one was taken.
    share            double precision NOT NULL CHECK (share > 0 AND share <= 1),
    method           text NOT NULL,
    scheme           text NOT NULL CHECK (scheme IN ('http', 'https')),
    host             text NOT NULL,
    port             integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    path             text NOT NULL CHECK (octet_length(path) <= 1024),
    client           inet NOT NULL,
    who              text NOT NULL CHECK (who IN
        ('stranger', 'invalid_key', 'leaving', 'unprotected', 'person', 'program')),
    user_id          uuid REFERENCES users ON DELETE CASCADE,
    -- As they were then: the address if it was verified, and what apps were told of.
    email            text,
    groups           text[] NOT NULL,
    last_auth_at     timestamptz CHECK ((last_auth_at IS NOT NULL) = (who = 'person')),
    second_factor_at timestamptz,
    passkey_at       timestamptz,
    -- Whether something like a key was shown; where rules take none it is unread, and nobody knows whose it is.
    key              text NOT NULL CHECK (key IN ('none', 'unread', 'read')),
    decision         text NOT NULL CHECK (decision IN ('allow', 'sign_in', 'confirm', 'deny', 'invalid_key')),
    reason           text NOT NULL,
    -- NULL for the default, and where none could decide.
    rule             integer CHECK (rule >= 0),
    rule_name        text,
    -- Which set of rules has decided: the beginning of a digest of it.
    rules            bytea NOT NULL CHECK (octet_length(rules) = 8)
);
CREATE INDEX gate_decisions_at ON gate_decisions (at);
CREATE INDEX gate_decisions_user ON gate_decisions (user_id, id) WHERE user_id IS NOT NULL;
