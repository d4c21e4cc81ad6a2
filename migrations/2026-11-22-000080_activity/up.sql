-- What people have done in organizations, which is shown to them. Most of what somebody does is about themselves and is
-- found by the index of subjects; without an index of its own a page would read past all of that.
CREATE INDEX audit_events_by_actor_within ON audit_events (actor_id, id)
    WHERE actor_id IS NOT NULL AND organization_id IS NOT NULL;
