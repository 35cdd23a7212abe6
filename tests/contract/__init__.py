"""The published contract: its types, what is generated from them, and that the reader agrees."""
