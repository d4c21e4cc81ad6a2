-- The keys by which apps know that it is us who tell them who comes. In their order: the newest whose time has come
-- signs, one that is newer is published ahead, and one that is older stays published for a while.
CREATE TABLE signing_keys (
    -- One more than the one before: two nodes that make the next one at once make one.
    number     integer PRIMARY KEY CHECK (number > 0),
    -- Its thumbprint (RFC 7638), by which assertions name it.
    kid        text NOT NULL UNIQUE CHECK (char_length(kid) = 43),
    -- The point on P-256, uncompressed (SEC 1, section 2.3.3).
    public_key bytea NOT NULL CHECK (octet_length(public_key) = 65),
    -- PKCS #8.
    sealed_key bytea NOT NULL,
    created_at timestamptz NOT NULL,
    signs_at   timestamptz NOT NULL CHECK (signs_at >= created_at)
);
