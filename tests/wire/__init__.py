"""From bytes to events, without database, Redis or network."""
