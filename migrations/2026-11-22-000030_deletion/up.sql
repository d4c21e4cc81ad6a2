-- People who have asked to be forgotten, until they are.

ALTER TABLE users
    ADD COLUMN deletion_asked_at timestamptz,
    -- From then on nothing of them is kept; NULL for somebody who stays.
    ADD COLUMN deletes_at timestamptz,
    ADD CHECK ((deletion_asked_at IS NULL) = (deletes_at IS NULL));
CREATE INDEX users_by_deletion ON users (deletes_at) WHERE deletes_at IS NOT NULL;
