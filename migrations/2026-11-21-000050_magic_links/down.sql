DROP TABLE magic_links;

CREATE TABLE password_reset_requests (
    id         uuid PRIMARY KEY,
    email      text NOT NULL,
    actor_id   uuid,
    session_id uuid,
    address    inet,
    user_agent text CHECK (octet_length(user_agent) <= 512),
    request_id text NOT NULL
);
INSERT INTO password_reset_requests (id, email, actor_id, session_id, address, user_agent, request_id)
SELECT id, email, actor_id, session_id, address, user_agent, request_id FROM letter_requests
WHERE wish = 'new_password';
DROP TABLE letter_requests;
