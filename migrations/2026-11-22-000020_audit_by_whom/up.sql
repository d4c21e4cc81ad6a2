-- Which organization an event belongs to, and what kind of hand did it.

ALTER TABLE audit_events
    ADD COLUMN organization_id uuid,
    -- 'visitor': somebody by a request, known by actor_id or not; 'operator': by a command; 'service': by itself.
    ADD COLUMN hand text NOT NULL DEFAULT 'visitor' CHECK (hand IN ('visitor', 'operator', 'service'));
CREATE INDEX audit_events_by_organization ON audit_events (organization_id, id) WHERE organization_id IS NOT NULL;
CREATE INDEX audit_events_by_actor ON audit_events (actor_id, id) WHERE actor_id IS NOT NULL;
