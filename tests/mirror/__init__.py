"""Tests of the merge. The promises are checked in two modules, so pytest must explain their asserts."""

import pytest

pytest.register_assert_rewrite("tests.mirror.promises")
