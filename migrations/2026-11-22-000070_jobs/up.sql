-- What the jobs have done, of all nodes together, and which accounts nobody has ever claimed.

-- One row a job, written by whichever node has run it last. No node reads it to decide anything.
CREATE TABLE jobs (
    name              text PRIMARY KEY,
    last_started_at   timestamptz NOT NULL,
    last_finished_at  timestamptz NOT NULL,
    last_milliseconds bigint NOT NULL,
    -- How much the last round did; in what, the job knows.
    last_done         bigint NOT NULL,
    last_succeeded_at timestamptz,
    last_failed_at    timestamptz,
    last_error        text,
    runs              bigint NOT NULL,
    failures          bigint NOT NULL,
    done              bigint NOT NULL,
    CHECK ((last_failed_at IS NULL) = (last_error IS NULL))
) WITH (fillfactor = 50);

-- By whom the account was made. What a stranger types and never proves is forgotten after a while; an account that
-- somebody else has made for them waits for its person.
ALTER TABLE users ADD COLUMN came_by text NOT NULL DEFAULT 'sign_up'
    CHECK (came_by IN ('sign_up', 'operator', 'invitation', 'sso'));
CREATE INDEX users_never_verified ON users (created_at, id) WHERE email_verified_at IS NULL AND came_by = 'sign_up';

-- Links that lead nowhere any more are removed in this order.
CREATE INDEX email_verifications_by_end ON email_verifications (expires_at);
CREATE INDEX password_resets_by_end ON password_resets (expires_at);
