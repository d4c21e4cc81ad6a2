DROP TRIGGER audit_events_are_delivered ON audit_events;
DROP FUNCTION deliver_event();
DROP TABLE webhook_deliveries, webhooks;
