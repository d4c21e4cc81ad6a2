-- Organizations: who belongs to them, in which role, in which groups, and who has been invited.

CREATE TABLE organizations (
    id         uuid PRIMARY KEY,
    -- Part of addresses, and of what apps are told. It never changes.
    slug       text NOT NULL UNIQUE,
    name       text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    created_at timestamptz NOT NULL,
    -- From then on its members need a second factor; NULL while they need none.
    second_factor_from timestamptz
);

-- Every slug there ever was. Apps may still know who "acme" was: nobody else becomes it.
CREATE TABLE organization_slugs (
    slug     text PRIMARY KEY CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$'),
    taken_at timestamptz NOT NULL
);
ALTER TABLE organizations ADD FOREIGN KEY (slug) REFERENCES organization_slugs (slug);

CREATE TABLE members (
    organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    user_id         uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    role            text NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
    joined_at       timestamptz NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX members_by_user ON members (user_id);

CREATE TABLE groups (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    -- Apps are told of it as acme/name, in a list with commas.
    name            text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100 AND name !~ '[,:/]'),
    -- In lower case: one group a name, whatever its case.
    name_key        text NOT NULL,
    created_at      timestamptz NOT NULL,
    UNIQUE (organization_id, name_key),
    UNIQUE (id, organization_id)
);

-- Only members of the organization are members of its groups.
CREATE TABLE group_members (
    group_id        uuid NOT NULL,
    organization_id uuid NOT NULL,
    user_id         uuid NOT NULL,
    added_at        timestamptz NOT NULL,
    PRIMARY KEY (group_id, user_id),
    FOREIGN KEY (group_id, organization_id) REFERENCES groups (id, organization_id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, user_id) REFERENCES members ON DELETE CASCADE
);
CREATE INDEX group_members_by_user ON group_members (user_id);
CREATE INDEX group_members_by_member ON group_members (organization_id, user_id);

CREATE TABLE invitations (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    email           text NOT NULL,
    email_key       text NOT NULL CHECK (email_key = lower(email)),
    role            text NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
    -- Of the secret in the letter. Sending it again makes another.
    digest          bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    -- It stays when they have gone.
    invited_by      uuid REFERENCES users ON DELETE SET NULL,
    created_at      timestamptz NOT NULL,
    sent_at         timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    UNIQUE (organization_id, email_key)
);
CREATE INDEX invitations_by_address ON invitations (email_key);
CREATE INDEX invitations_by_end ON invitations (expires_at);
CREATE INDEX invitations_by_inviter ON invitations (invited_by);

-- Every node remembers what apps are told of somebody: of whoever's membership changes, all nodes hear.
CREATE FUNCTION tell_of_member() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('vestibule_live', 'u' || COALESCE(NEW.user_id, OLD.user_id));
    RETURN NULL;
END
$$;

CREATE FUNCTION tell_of_group() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('vestibule_live', 'u' || user_id) FROM group_members WHERE group_id = OLD.id;
    RETURN NULL;
END
$$;

CREATE FUNCTION tell_of_organization() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('vestibule_live', 'u' || user_id) FROM members WHERE organization_id = OLD.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER members_tell_of_changes AFTER INSERT OR UPDATE OR DELETE ON members
    FOR EACH ROW EXECUTE FUNCTION tell_of_member();
CREATE TRIGGER group_members_tell_of_changes AFTER INSERT OR UPDATE OR DELETE ON group_members
    FOR EACH ROW EXECUTE FUNCTION tell_of_member();
-- Those that go are told of by the members that go with them.
CREATE TRIGGER groups_tell_of_changes AFTER UPDATE ON groups
    FOR EACH ROW EXECUTE FUNCTION tell_of_group();
CREATE TRIGGER organizations_tell_of_changes AFTER UPDATE ON organizations
    FOR EACH ROW EXECUTE FUNCTION tell_of_organization();
CREATE TRIGGER members_tell_of_truncation AFTER TRUNCATE ON members
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_everything();
CREATE TRIGGER group_members_tell_of_truncation AFTER TRUNCATE ON group_members
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_everything();
