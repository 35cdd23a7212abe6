"""How long one waits: from publish to processed at a steady rate, a poll of ten, and a spike. Ours only."""
