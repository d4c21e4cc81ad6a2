DROP TABLE gate_tokens, sessions;
