DROP TABLE setup_links;
ALTER TABLE users DROP COLUMN is_admin;
