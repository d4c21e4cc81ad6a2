DROP INDEX users_by_deletion;
ALTER TABLE users
    DROP COLUMN deletes_at,
    DROP COLUMN deletion_asked_at;
