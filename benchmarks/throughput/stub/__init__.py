"""SQS for the benchmark: one process that answers the JSON API of SQS from memory, and counts.

It is no emulator for other uses: no FIFO, no redrive, no delays, no retention, no signatures. What it
does answer, it answers as an emulator does: tests/benchmarks/test_stub.py compares them.
"""
