"""What operators and probes do."""
