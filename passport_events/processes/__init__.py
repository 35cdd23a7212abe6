"""Parts of long-running commands: threads, back-off, explained errors, the heartbeat."""
