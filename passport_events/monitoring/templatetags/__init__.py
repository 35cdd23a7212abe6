"""Django finds tags by their file names."""
