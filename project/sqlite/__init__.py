"""Django's SQLite backend for several writing processes: see `base`."""
