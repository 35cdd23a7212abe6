"""`@handles`: one function for each event type."""

from __future__ import annotations

import pytest

from passport_events import Event, handles
from passport_events.exceptions import ConfigurationError, HandlerConflict, HandlerOptionsConflict
from passport_events.handling import registry
from passport_events.models import SalesforceRecord


def one(event: Event, record: SalesforceRecord) -> None:
    """A handler."""


def other(event: Event, record: SalesforceRecord) -> None:
    """Another handler."""


def test_a_handler_is_found_by_its_event_type_with_what_it_asked_for() -> None:
    def fetch(event: Event) -> str:
        return event.record_id

    handles("item", prepare=fetch, latest_only=True, needs_complete=True)(one)
    handler = registry.handler_for("item")

    assert handler == registry.Handler(
        event_type="item",
        function=one,
        prepare=fetch,
        latest_only=True,
        needs_complete=True,
        shares_transaction=False,
    )
    assert handler.name == f"{__name__}.one"


def test_the_decorator_gives_the_function_back() -> None:
    assert handles("item")(one) is one


def test_a_type_that_nobody_handles_has_no_handler() -> None:
    handles("item")(one)

    assert registry.handler_for("opportunity") is None
    assert set(registry.registered()) == {"item"}


def test_a_second_handler_of_a_type_is_refused_with_both_names() -> None:
    handles("item")(one)

    with pytest.raises(HandlerConflict, match=r"one and .*other|other and .*one") as raised:
        handles("item")(other)
    assert isinstance(raised.value, ConfigurationError)
    assert registry.registered()["item"].function is one


def test_a_module_that_is_imported_again_replaces_its_own_handler() -> None:
    handles("item")(one)
    handles("item", latest_only=True)(one)

    assert registry.registered()["item"].latest_only


def test_one_function_may_handle_two_types() -> None:
    handles("item")(handles("opportunity")(one))

    assert {handler.function for handler in registry.registered().values()} == {one}


def test_the_registry_cannot_be_changed_from_outside() -> None:
    handles("item")(one)
    dict(registry.registered()).clear()

    assert registry.handler_for("item") is not None


def test_what_prepares_cannot_share_its_transaction() -> None:
    with pytest.raises(
        HandlerOptionsConflict, match="'item' has both prepare and shares_transaction"
    ) as raised:
        handles("item", prepare=lambda event: None, shares_transaction=True)(one)
    assert isinstance(raised.value, ConfigurationError)
    assert registry.handler_for("item") is None
