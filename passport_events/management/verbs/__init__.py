"""The verbs of `manage.py passport`. Each module defines one or a few as `extension_points.Verb`."""

DONE, TROUBLE, ERROR = 0, 1, 2
"""Exit codes: done, found trouble, could not run."""
