"""What everybody but us runs: three tables, the work on them with the ORM and by hand, and the loops.

Runs without `passport_events`, and on the Python that a contender needs.
"""
