DROP TABLE hand_overs;
DELETE FROM gate_tokens WHERE host <> '';
DROP INDEX gate_tokens_by_host, gate_tokens_by_domain;
ALTER TABLE gate_tokens ADD UNIQUE (session_id, domain);
ALTER TABLE gate_tokens DROP COLUMN host;
