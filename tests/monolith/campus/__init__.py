"""The monolith's own app."""
