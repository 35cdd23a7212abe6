"""Faults against the whole pipeline: real processes, real servers, and a checker that finds what was lost."""
