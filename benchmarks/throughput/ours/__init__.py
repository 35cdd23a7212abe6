"""What we run: the package as it is installed, with its defaults."""
