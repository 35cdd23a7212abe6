"""What is said about the work."""
