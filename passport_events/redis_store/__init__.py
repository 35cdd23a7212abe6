"""What every use of Redis has in common: a deadline, keys of one installation, and outages that stop nothing.

Redis holds nothing that is needed: hints, short locks, counters of rate limits. A program that can write
to it must not be able to do more than delay work.
"""
