"""What long-running commands share: threads, back-off, the start, and their heartbeat."""
