"""Running it: logs, the service, the supervisor."""
