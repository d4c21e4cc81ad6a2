DROP INDEX throttles_by_last_attempt;
