-- When a second factor, and a passkey, was last proved in a session: the gate may ask for either. A passkey is both.
ALTER TABLE sessions ADD COLUMN second_factor_at timestamptz, ADD COLUMN passkey_at timestamptz;
UPDATE sessions SET passkey_at = created_at WHERE 'passkey' = ANY (methods);
UPDATE sessions SET second_factor_at = created_at WHERE methods && ARRAY['passkey', 'totp', 'recovery_code'];
DROP TRIGGER sessions_tell_of_changes ON sessions;
CREATE TRIGGER sessions_tell_of_changes
    AFTER UPDATE OF id, user_id, token_digest, remember, address, user_agent, created_at, last_auth_at, expires_at,
        methods, device_id, rotation_due, confirmed_at, provider_session_id, second_factor_at, passkey_at ON sessions
    FOR EACH ROW EXECUTE FUNCTION tell_of_session();
