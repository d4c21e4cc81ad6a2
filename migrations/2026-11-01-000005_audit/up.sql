-- Who did what, when, from where. Rows are added and never changed.

CREATE TABLE audit_events (
    id         uuid PRIMARY KEY,
    at         timestamptz NOT NULL,
    kind       text NOT NULL,
    -- No foreign keys: what happened stays when the person has gone.
    actor_id   uuid,
    subject_id uuid,
    session_id uuid,
    address    inet,
    user_agent text,
    request_id text NOT NULL,
    details    jsonb NOT NULL
);
CREATE INDEX audit_events_by_subject ON audit_events (subject_id, id);

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit events are never changed or deleted';
END
$$;

CREATE TRIGGER audit_events_stay BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_events_are_kept BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
