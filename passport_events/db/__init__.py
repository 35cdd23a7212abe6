"""SQL helpers for every model: bulk inserts, statements compiled once, database functions."""
