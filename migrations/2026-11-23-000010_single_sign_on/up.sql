-- Enterprise sign-in: domains and who has proved them, connections to identity providers, and who came by them.

CREATE TABLE connections (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    kind            text NOT NULL DEFAULT 'saml' CHECK (kind IN ('saml')),
    name            text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),

    -- The provider, as its metadata or its administrator says.
    idp_entity_id   text NOT NULL CHECK (char_length(idp_entity_id) BETWEEN 1 AND 1024),
    sso_url         text NOT NULL,
    sso_binding     text NOT NULL CHECK (sso_binding IN ('redirect', 'post')),
    slo_url         text,
    slo_binding     text CHECK (slo_binding IN ('redirect', 'post')),
    -- Where answers about signing out go, when not to slo_url.
    slo_answer_url  text,
    CHECK ((slo_url IS NULL) = (slo_binding IS NULL)),

    -- Where that is from; only what has an address is fetched again.
    metadata_from   text NOT NULL CHECK (metadata_from IN ('xml', 'url', 'hand')),
    metadata_url    text,
    CHECK ((metadata_from = 'url') = (metadata_url IS NOT NULL)),
    metadata_at     timestamptz,
    metadata_error  text,
    metadata_due    timestamptz,
    CHECK (metadata_from = 'url' OR metadata_due IS NULL),

    -- Names of attributes; NULL for the usual ones.
    email_attribute  text,
    name_attribute   text,
    groups_attribute text,
    -- NULL: whoever has no mapped group is not let in.
    default_role    text CHECK (default_role IN ('owner', 'admin', 'member')),

    sign_requests       boolean NOT NULL DEFAULT true,
    allow_idp_initiated boolean NOT NULL DEFAULT false,
    -- From then on the people of its domains sign in by it alone; NULL while they need not.
    enforced_from   timestamptz,
    -- Since when they have been told of that day, and sessions of before have been ended.
    enforcement_told_at   timestamptz,
    enforcement_done_at   timestamptz,
    -- The last sign-in for trying it out that went well, of one of the organization's administrators.
    tested_at       timestamptz,
    tested_by       uuid REFERENCES users ON DELETE SET NULL,

    created_at      timestamptz NOT NULL,
    changed_at      timestamptz NOT NULL
);
CREATE INDEX connections_by_organization ON connections (organization_id);
CREATE INDEX connections_by_refresh ON connections (metadata_due) WHERE metadata_due IS NOT NULL;
CREATE INDEX connections_by_tester ON connections (tested_by) WHERE tested_by IS NOT NULL;

-- What the provider may sign with. Several at once while it changes keys.
CREATE TABLE connection_certificates (
    connection_id uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
    sha256        bytea NOT NULL CHECK (octet_length(sha256) = 32),
    der           bytea NOT NULL,
    subject       text NOT NULL,
    not_before    timestamptz NOT NULL,
    not_after     timestamptz NOT NULL,
    added_at      timestamptz NOT NULL,
    -- When the administrators were last told that it runs out.
    warned_at     timestamptz,
    PRIMARY KEY (connection_id, sha256)
);
CREATE INDEX connection_certificates_by_end ON connection_certificates (not_after);

-- What we sign our requests with, and are written to with. All of them are in our metadata and decrypt; one signs.
CREATE TABLE connection_keys (
    id            uuid PRIMARY KEY,
    connection_id uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
    sealed_key    bytea NOT NULL,
    certificate   bytea NOT NULL,
    signs         boolean NOT NULL,
    created_at    timestamptz NOT NULL,
    not_after     timestamptz NOT NULL
);
CREATE INDEX connection_keys_by_connection ON connection_keys (connection_id);
CREATE UNIQUE INDEX connection_keys_one_signs ON connection_keys (connection_id) WHERE signs;

-- What a group of the provider's means here.
CREATE TABLE connection_roles (
    connection_id uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
    idp_group     text NOT NULL CHECK (char_length(idp_group) BETWEEN 1 AND 500),
    role          text NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
    PRIMARY KEY (connection_id, idp_group)
);
CREATE TABLE connection_groups (
    connection_id uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
    idp_group     text NOT NULL CHECK (char_length(idp_group) BETWEEN 1 AND 500),
    group_id      uuid NOT NULL REFERENCES groups ON DELETE CASCADE,
    PRIMARY KEY (connection_id, idp_group, group_id)
);
CREATE INDEX connection_groups_by_group ON connection_groups (group_id);

-- Owners who may sign in without the provider, when it is out of order.
CREATE TABLE break_glass (
    connection_id uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
    user_id       uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    named_at      timestamptz NOT NULL,
    PRIMARY KEY (connection_id, user_id)
);
CREATE INDEX break_glass_by_user ON break_glass (user_id);

-- A domain belongs to the one organization that has proved it; any number may try.
CREATE TABLE domains (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    -- In lower case, and in ASCII (IDNA).
    name            text NOT NULL CHECK (name = lower(name) AND char_length(name) BETWEEN 3 AND 253),
    -- What its TXT record has to say. Not a secret: everybody can read it there.
    token           text NOT NULL,
    connection_id   uuid REFERENCES connections ON DELETE SET NULL,
    proved_at       timestamptz,
    proved_by       text CHECK (proved_by IN ('dns', 'operator')),
    CHECK ((proved_at IS NULL) = (proved_by IS NULL)),
    -- Looked up last, and again; what came of it, and since when the record is missing.
    checked_at      timestamptz,
    check_due       timestamptz,
    check_error     text,
    missing_since   timestamptz,
    created_at      timestamptz NOT NULL,
    UNIQUE (organization_id, name)
);
CREATE UNIQUE INDEX domains_proved_once ON domains (name) WHERE proved_at IS NOT NULL;
CREATE INDEX domains_by_connection ON domains (connection_id) WHERE connection_id IS NOT NULL;
CREATE INDEX domains_by_check ON domains (check_due) WHERE check_due IS NOT NULL;

-- The people of a domain.
CREATE INDEX users_by_domain ON users (split_part(email_key, '@', 2)) WHERE email_key IS NOT NULL;

-- Who somebody is to a provider.
CREATE TABLE identities (
    connection_id  uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
    name_id        text NOT NULL CHECK (char_length(name_id) BETWEEN 1 AND 1024),
    name_id_format text,
    user_id        uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    linked_at      timestamptz NOT NULL,
    last_seen_at   timestamptz NOT NULL,
    PRIMARY KEY (connection_id, name_id)
);
CREATE INDEX identities_by_user ON identities (user_id);

-- A sign-in by a provider, as long as its session lives or is waited for.
CREATE TABLE provider_sessions (
    id             uuid PRIMARY KEY,
    connection_id  uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
    user_id        uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    name_id        text NOT NULL,
    name_id_format text,
    session_index  text,
    authn_instant  timestamptz NOT NULL,
    -- What the provider said of how they proved who they are (AuthnContextClassRef).
    authn_context  text,
    -- SessionNotOnOrAfter.
    ends_at        timestamptz,
    created_at     timestamptz NOT NULL
);
CREATE INDEX provider_sessions_by_name ON provider_sessions (connection_id, name_id);
CREATE INDEX provider_sessions_by_user ON provider_sessions (user_id);

ALTER TABLE sessions ADD COLUMN provider_session_id uuid REFERENCES provider_sessions ON DELETE SET NULL;
CREATE INDEX sessions_by_provider_session ON sessions (provider_session_id) WHERE provider_session_id IS NOT NULL;
ALTER TABLE pending_sign_ins ADD COLUMN provider_session_id uuid REFERENCES provider_sessions ON DELETE CASCADE;
CREATE INDEX pending_sign_ins_by_provider_session ON pending_sign_ins (provider_session_id)
    WHERE provider_session_id IS NOT NULL;

-- What a provider was asked, until it answers for the first time.
CREATE TABLE saml_requests (
    -- The ID of the AuthnRequest or LogoutRequest: 128 random bits or more.
    id            text PRIMARY KEY,
    connection_id uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
    -- Of the flow cookie of the browser that was sent there.
    browser       bytea NOT NULL CHECK (octet_length(browser) = 32),
    -- Of the RelayState that went with it.
    relay_state   bytea NOT NULL CHECK (octet_length(relay_state) = 32),
    purpose       text NOT NULL CHECK (purpose IN ('sign_in', 'step_up', 'test', 'sign_out')),
    -- Who wants to confirm, or to try it out.
    session_id    uuid REFERENCES sessions ON DELETE CASCADE ON UPDATE CASCADE,
    user_id       uuid REFERENCES users ON DELETE CASCADE,
    -- The session that the new one takes the place of, and by what the browser is known: the answer comes from another
    -- site, and browsers do not send along the cookies that say so.
    replaces      uuid REFERENCES sessions ON DELETE SET NULL ON UPDATE CASCADE,
    known_by      bytea CHECK (octet_length(known_by) = 32),
    return_to     text,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL
);
CREATE INDEX saml_requests_by_browser ON saml_requests (browser, connection_id);
CREATE INDEX saml_requests_by_connection ON saml_requests (connection_id);
CREATE INDEX saml_requests_by_session ON saml_requests (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX saml_requests_by_replaced ON saml_requests (replaces) WHERE replaces IS NOT NULL;
CREATE INDEX saml_requests_by_user ON saml_requests (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX saml_requests_by_end ON saml_requests (expires_at);

-- Assertions that have been used, as long as they would be good.
CREATE TABLE saml_answers (
    connection_id uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
    -- Of the assertion's ID.
    digest        bytea NOT NULL CHECK (octet_length(digest) = 32),
    expires_at    timestamptz NOT NULL,
    PRIMARY KEY (connection_id, digest)
);
CREATE INDEX saml_answers_by_end ON saml_answers (expires_at);

-- Answers that were refused, and answers to tests, for the organization's administrators.
CREATE TABLE saml_reports (
    id            uuid PRIMARY KEY,
    connection_id uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
    -- What people are shown of it, and can tell.
    reference     text NOT NULL UNIQUE,
    purpose       text NOT NULL CHECK (purpose IN ('sign_in', 'step_up', 'test', 'sign_out', 'idp_initiated')),
    -- Who tried it out.
    user_id       uuid REFERENCES users ON DELETE CASCADE,
    -- Sealed: it names people. All checks with their verdicts, and the document without its secrets.
    sealed_report bytea NOT NULL,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL
);
CREATE INDEX saml_reports_by_connection ON saml_reports (connection_id, created_at);
CREATE INDEX saml_reports_by_user ON saml_reports (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX saml_reports_by_end ON saml_reports (expires_at);

-- Somebody whom a provider vouches for and no account is known for: its owner signs in and says so.
CREATE TABLE pending_identities (
    -- Of the flow cookie.
    browser        bytea NOT NULL CHECK (octet_length(browser) = 32),
    connection_id  uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
    name_id        text NOT NULL,
    name_id_format text,
    email          text,
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    PRIMARY KEY (browser, connection_id)
);
CREATE INDEX pending_identities_by_connection ON pending_identities (connection_id);
CREATE INDEX pending_identities_by_end ON pending_identities (expires_at);

-- Every column but last_active_at, as before.
DROP TRIGGER sessions_tell_of_changes ON sessions;
CREATE TRIGGER sessions_tell_of_changes
    AFTER UPDATE OF id, user_id, token_digest, remember, address, user_agent, created_at, last_auth_at, expires_at,
        methods, device_id, rotation_due, confirmed_at, provider_session_id ON sessions
    FOR EACH ROW EXECUTE FUNCTION tell_of_session();
