"""What happens now, and how it was this week: an optional app with tables of its own."""
