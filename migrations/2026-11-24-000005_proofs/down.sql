DROP TRIGGER sessions_tell_of_changes ON sessions;
CREATE TRIGGER sessions_tell_of_changes
    AFTER UPDATE OF id, user_id, token_digest, remember, address, user_agent, created_at, last_auth_at, expires_at,
        methods, device_id, rotation_due, confirmed_at, provider_session_id ON sessions
    FOR EACH ROW EXECUTE FUNCTION tell_of_session();
ALTER TABLE sessions DROP COLUMN second_factor_at, DROP COLUMN passkey_at;
