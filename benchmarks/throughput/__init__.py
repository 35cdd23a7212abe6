"""How many events a second, beside what else one could run: `make bench`, and docs/benchmarks.md.

`contenders` says who takes part, `run` gives one of them the same work as the others, `course` runs
all of them in turns, and `report` says what came out. `stub` is the queue, `peers` what the others
run, `ours` what we run.
"""
