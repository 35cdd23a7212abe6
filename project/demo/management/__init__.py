"""Django finds commands by their file names."""
