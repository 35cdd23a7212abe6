"""Reports of errors without values of events: what a developer needs, and no student data."""
