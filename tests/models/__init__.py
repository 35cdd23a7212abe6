"""Tests of `passport_events.models`."""
