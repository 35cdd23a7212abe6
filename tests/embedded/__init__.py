"""Tests of `project.embedded`: the servers themselves."""
