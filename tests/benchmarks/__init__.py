"""The benchmark's own parts: its queue, its checks, its figures."""
