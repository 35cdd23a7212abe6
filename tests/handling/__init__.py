"""Handling: from a due row to its handler, and everything that can go wrong on the way."""
