"""Sending messages to the topic."""
