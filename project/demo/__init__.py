"""`manage.py demo`: real processes, a known truth, and a comparison of the two."""
