"""The demo monolith: the project around `passport_events`, and the servers it needs."""
