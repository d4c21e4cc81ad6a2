DROP TRIGGER sessions_tell_of_changes ON sessions;
CREATE TRIGGER sessions_tell_of_changes
    AFTER UPDATE OF id, user_id, token_digest, remember, address, user_agent, created_at, last_auth_at, expires_at,
        methods, device_id, rotation_due, confirmed_at ON sessions
    FOR EACH ROW EXECUTE FUNCTION tell_of_session();
ALTER TABLE pending_sign_ins DROP COLUMN provider_session_id;
ALTER TABLE sessions DROP COLUMN provider_session_id;
DROP INDEX users_by_domain;
DROP TABLE pending_identities;
DROP TABLE saml_reports;
DROP TABLE saml_answers;
DROP TABLE saml_requests;
DROP TABLE provider_sessions;
DROP TABLE identities;
DROP TABLE domains;
DROP TABLE break_glass;
DROP TABLE connection_groups;
DROP TABLE connection_roles;
DROP TABLE connection_keys;
DROP TABLE connection_certificates;
DROP TABLE connections;
