DROP INDEX password_resets_by_end;
DROP INDEX email_verifications_by_end;
DROP INDEX users_never_verified;
ALTER TABLE users DROP COLUMN came_by;
DROP TABLE jobs;
