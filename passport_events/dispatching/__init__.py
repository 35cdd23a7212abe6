"""Hints to RQ workers that messages are due, and the pauses and rate limits that hold them back."""
