"""The tree of errors in the module's docstring has every error of the package, and no other."""

from __future__ import annotations

import inspect
import re

from passport_events import exceptions


def test_the_tree_lists_every_error() -> None:
    listed = re.findall(r"^[│├└─ ]*(\w+)", exceptions.__doc__ or "", re.MULTILINE)
    defined = {
        name
        for name, value in vars(exceptions).items()
        if inspect.isclass(value) and issubclass(value, Exception) and value.__module__ == exceptions.__name__
    }

    assert set(listed) - {"Every"} == defined
