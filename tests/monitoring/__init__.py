"""Samples, figures and the dashboard."""
