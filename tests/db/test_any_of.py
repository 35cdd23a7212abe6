"""Many values in one parameter are what an `IN` is."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from passport_events.db.any_of import AnyOf
from passport_events.models import SalesforceOrganization

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
