"""A value of its own for each row."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.utils import Error
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passport_events.db.bulk import insert_many
from passport_events.db.per_row_value import PerRowValue
from passport_events.models import ProcessedMessage
from tests.db.test_bulk import VALUES, a_delivery, a_message

pytestmark = pytest.mark.django_db
OBJECTS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


@pytest.fixture
def keys() -> list[int]:
    """Twelve rows, so that a key is the beginning of another one."""
    delivery = a_delivery()
    insert_many([delivery])
    insert_many([a_message(f"{number}", delivery) for number in range(12)], once_by=("dedup_key",))
    return list(ProcessedMessage.objects.order_by("pk").values_list("pk", flat=True))


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=50)
@given(values=st.lists(OBJECTS, min_size=12, max_size=12))
def test_every_row_gets_its_own_in_one_statement(keys: list[int], values: list[dict[str, Any]]) -> None:
    wanted = dict(zip(keys, values, strict=True))
    with CaptureQueriesContext(connection) as said:
        assert ProcessedMessage.objects.filter(pk__in=keys).update(merged=PerRowValue(wanted)) == 12
    assert len(said) == 1
    assert dict(ProcessedMessage.objects.values_list("pk", "merged")) == wanted


def test_a_row_without_one_is_an_error(keys: list[int]) -> None:
    with pytest.raises(Error):
        ProcessedMessage.objects.update(merged=PerRowValue({keys[0]: {}}))
