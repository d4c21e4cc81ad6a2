-- Counts that mean nothing any more are removed in this order.
CREATE INDEX throttles_by_last_attempt ON throttles (last_attempt_at);
