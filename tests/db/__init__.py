"""Tests of the SQL helpers."""
