"""`make bench-growth`: what becomes of the rate when something grows."""
