DROP INDEX audit_events_by_actor;
DROP INDEX audit_events_by_organization;
ALTER TABLE audit_events
    DROP COLUMN hand,
    DROP COLUMN organization_id;
