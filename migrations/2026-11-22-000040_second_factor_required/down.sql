DROP TRIGGER totp_factors_tell_of_changes ON totp_factors;
DROP TRIGGER passkeys_tell_of_changes ON passkeys;
DROP TRIGGER totp_factors_tell_of_truncation ON totp_factors;
DROP TRIGGER passkeys_tell_of_truncation ON passkeys;
DROP FUNCTION second_factor_due;
