"""How many inputs the properties have tried; `make fuzz` reports it."""

import itertools

cases = itertools.count()
