DROP TABLE api_keys;
DROP FUNCTION tell_of_api_key;
