"""Tests of hints and flow control."""
