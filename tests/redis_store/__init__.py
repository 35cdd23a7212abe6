"""Mirrors passport_events/redis_store."""
