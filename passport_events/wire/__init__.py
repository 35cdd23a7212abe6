"""Wire formats: parse the bytes of a delivery into events. `parser` is the entry point."""
