DROP TABLE pending_sign_ins, recovery_codes, totp_factors;
