DROP FUNCTION anonymise_audit(uuid, uuid, text[], integer);
CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit events are never changed or deleted';
END
$$;
DROP INDEX mail_outbox_by_recipient;
DROP TABLE restore_links;
