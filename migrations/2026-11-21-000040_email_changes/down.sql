ALTER TABLE not_me_links DROP COLUMN email_key;
DROP INDEX users_by_address;
ALTER TABLE users ADD CONSTRAINT users_email_key_key UNIQUE (email_key);
DROP TABLE email_undos;
