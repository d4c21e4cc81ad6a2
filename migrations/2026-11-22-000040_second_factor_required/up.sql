-- Organizations that ask their members for a second factor: from when on somebody has to have one who has none.

-- NULL for whoever has one, or needs none.
CREATE FUNCTION second_factor_due(person uuid) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT (
        SELECT min(o.second_factor_from) FROM members m JOIN organizations o ON o.id = m.organization_id
        WHERE m.user_id = person
            AND NOT EXISTS (SELECT FROM totp_factors t WHERE t.user_id = person AND t.enabled_at IS NOT NULL)
            AND NOT EXISTS (SELECT FROM passkeys p WHERE p.user_id = person)
    )
$$;

-- Every node remembers it beside sessions and API keys, and so has to hear of factors as well. Using one is no change.
CREATE TRIGGER totp_factors_tell_of_changes AFTER INSERT OR UPDATE OF user_id, enabled_at OR DELETE ON totp_factors
    FOR EACH ROW EXECUTE FUNCTION tell_of_member();
CREATE TRIGGER passkeys_tell_of_changes AFTER INSERT OR UPDATE OF user_id OR DELETE ON passkeys
    FOR EACH ROW EXECUTE FUNCTION tell_of_member();
CREATE TRIGGER totp_factors_tell_of_truncation AFTER TRUNCATE ON totp_factors
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_everything();
CREATE TRIGGER passkeys_tell_of_truncation AFTER TRUNCATE ON passkeys
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_everything();
