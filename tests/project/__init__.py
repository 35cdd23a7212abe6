"""Tests of the demo monolith."""
