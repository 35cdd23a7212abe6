"""The whole package against a model of what it promises: hypothesis chooses what happens."""

import pytest

for checks in ("invariants", "verdict"):
    pytest.register_assert_rewrite(f"tests.model.{checks}")
