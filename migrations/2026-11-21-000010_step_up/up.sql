-- When somebody last proved again, within a session, that it is them.

ALTER TABLE sessions ADD COLUMN confirmed_at timestamptz;

-- Every column but last_active_at, as before.
DROP TRIGGER sessions_tell_of_changes ON sessions;
CREATE TRIGGER sessions_tell_of_changes
    AFTER UPDATE OF id, user_id, token_digest, remember, address, user_agent, created_at, last_auth_at, expires_at,
        methods, device_id, rotation_due, confirmed_at ON sessions
    FOR EACH ROW EXECUTE FUNCTION tell_of_session();
