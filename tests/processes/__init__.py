"""Tests of what long-running commands share."""
