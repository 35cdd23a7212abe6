"""Listens to the stages; nothing that works on messages imports it."""
