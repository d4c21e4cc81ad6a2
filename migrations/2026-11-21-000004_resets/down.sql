DROP TABLE password_resets, password_reset_requests;
