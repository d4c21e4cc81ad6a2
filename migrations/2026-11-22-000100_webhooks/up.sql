-- Programs of others that are told what happens, and what each of them has yet to be told.

CREATE TABLE webhooks (
    id               uuid PRIMARY KEY,
    -- NULL for the instance's own, which are told everything.
    organization_id  uuid REFERENCES organizations ON DELETE CASCADE,
    url              text NOT NULL CHECK (octet_length(url) BETWEEN 1 AND 2048),
    -- Of what: '*', 'member.*' or 'member.added'.
    kinds            text[] NOT NULL CHECK (cardinality(kinds) > 0),
    -- Sealed, as the one before it, which signs as well until then.
    secret           bytea NOT NULL,
    old_secret       bytea,
    old_secret_until timestamptz,
    created_at       timestamptz NOT NULL,
    created_by       uuid REFERENCES users ON DELETE SET NULL,
    -- Attempts since the last one that was taken, and when the first of them was.
    failures         integer NOT NULL DEFAULT 0,
    failing_since    timestamptz,
    disabled_at      timestamptz,
    disabled_why     text CHECK (disabled_why IN ('by_hand', 'failing')),
    CHECK ((old_secret IS NULL) = (old_secret_until IS NULL)),
    CHECK ((disabled_at IS NULL) = (disabled_why IS NULL))
);
CREATE INDEX webhooks_by_organization ON webhooks (organization_id);
CREATE INDEX webhooks_by_creator ON webhooks (created_by);

-- Nothing of what is told is kept here: it is put together when it is sent, from what is known by then.
CREATE TABLE webhook_deliveries (
    -- Receivers know it as webhook-id.
    id              uuid PRIMARY KEY,
    webhook_id      uuid NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    -- No foreign key: events are never deleted, and finding each one again would cost every one of them.
    event_id        uuid NOT NULL,
    kind            text NOT NULL,
    at              timestamptz NOT NULL,
    -- Whom it is about, by the id alone: once they are erased the event itself does not say any more, and those who
    -- were told of them have to hear of that.
    subject_id      uuid,
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    leased_until    timestamptz,
    give_up_after   timestamptz,
    delivered_at    timestamptz,
    gave_up_at      timestamptz,
    last_attempt_at timestamptz,
    last_status     integer,
    last_error      text,
    UNIQUE (webhook_id, event_id)
);
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_by_attempt ON webhook_deliveries (webhook_id, next_attempt_at)
    WHERE delivered_at IS NULL AND gave_up_at IS NULL;
CREATE INDEX webhook_deliveries_by_end ON webhook_deliveries ((COALESCE(delivered_at, gave_up_at)))
    WHERE delivered_at IS NOT NULL OR gave_up_at IS NOT NULL;

-- In the transaction of whatever has happened, whoever writes it down. A delivery's id begins as its event's does
-- (RFC 9562, section 5.7: the first eight bytes are the time, the version and twelve bits of chance), so that the ids
-- of deliveries sort as their events. Nobody is told what happens to their own webhook, since what failed would fail
-- again, but for the test that they have asked for.
CREATE FUNCTION deliver_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook_deliveries (id, webhook_id, event_id, kind, at, subject_id, next_attempt_at)
    SELECT encode(overlay(uuid_send(gen_random_uuid()) PLACING substring(uuid_send(NEW.id) FROM 1 FOR 8) FROM 1), 'hex')::uuid,
           id, NEW.id, NEW.kind, NEW.at, NEW.subject_id, NEW.at
    FROM webhooks
    WHERE disabled_at IS NULL
      AND CASE
          WHEN id::text = NEW.details ->> 'webhook' THEN NEW.kind = 'webhook.tested'
          ELSE (organization_id IS NULL OR organization_id = NEW.organization_id)
              AND kinds && ARRAY['*', split_part(NEW.kind, '.', 1) || '.*', NEW.kind]
      END;
    RETURN NULL;
END
$$;

CREATE TRIGGER audit_events_are_delivered AFTER INSERT ON audit_events
    FOR EACH ROW EXECUTE FUNCTION deliver_event();
