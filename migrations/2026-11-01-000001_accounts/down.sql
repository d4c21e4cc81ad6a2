DROP TABLE email_verifications, users;
