"""A value list as one parameter, and a different value per row."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.db.utils import Error
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from passport_events.db.bulk import insert_many
from passport_events.db.functions import AnyOf, PerRowValue
from passport_events.models import ProcessedMessage, SalesforceOrganization
from tests.db.test_bulk import VALUES, a_delivery, a_message

pytestmark = pytest.mark.django_db

NAMES = ('plain, {with} "quotes"', "NULL", "back\\slash\\", "", "line\nbreak", "üñ😀", "a'b", "%s", " ")
# Neither NUL nor a lone surrogate is text to PostgreSQL, in an `IN` as here.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@pytest.fixture(autouse=True)
def organizations() -> list[SalesforceOrganization]:
    return [
        SalesforceOrganization.objects.create(salesforce_id=f"00D{number:015d}", name=name, mode="live")
        for number, name in enumerate(NAMES)
    ]


def found(*conditions: AnyOf | Q) -> set[str]:
    return set(SalesforceOrganization.objects.filter(*conditions).values_list("name", flat=True))


@given(st.lists(st.one_of(st.sampled_from(NAMES), TEXTS), max_size=20))
@example(list(NAMES))
@example([])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_texts_are_found_as_an_in_finds_them(names: list[str]) -> None:
    assert found(AnyOf("name", names)) == found(Q(name__in=names))


def test_whole_numbers_are_found_as_an_in_finds_them(organizations: list[SalesforceOrganization]) -> None:
    keys = [organizations[1].pk, organizations[3].pk, 2**63 - 1, -1]
    assert found(AnyOf("pk", keys)) == found(Q(pk__in=keys)) == {NAMES[1], NAMES[3]}
    assert found(AnyOf("pk", [])) == set()


def test_it_can_be_negated_and_changed(organizations: list[SalesforceOrganization]) -> None:
    keys = [each.pk for each in organizations[2:]]
    assert found(~Q(AnyOf("pk", keys))) == set(NAMES[:2])
    assert SalesforceOrganization.objects.filter(AnyOf("pk", keys)).update(mode="off") == len(keys)
    assert SalesforceOrganization.objects.exclude(AnyOf("pk", keys)).filter(mode="off").count() == 0


@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_postgresql_gets_one_array_and_reads_the_index(
    organizations: list[SalesforceOrganization],
) -> None:
    keys = [each.pk for each in organizations]
    with CaptureQueriesContext(connection) as said:
        found(AnyOf("pk", keys))
        connection.cursor().execute("SET LOCAL enable_seqscan = off")
        plan = SalesforceOrganization.objects.filter(AnyOf("pk", keys)).explain()
    text = "{" + ",".join(map(str, keys)) + "}"
    assert f"= ANY('{text}'::bigint[])" in said[0]["sql"]
    assert "Index Cond: (id = ANY" in plan


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
