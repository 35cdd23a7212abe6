"""A monolith's own part: a small handler with the ORM, the same for us and for the loop by hand."""
