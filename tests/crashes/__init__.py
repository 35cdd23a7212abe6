"""Real processes that die, hang or fail at every step of a message, and what healthy ones make of it."""
