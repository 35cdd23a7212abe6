"""Every address of the admin's pages of ours, found in the URL patterns: a new one is tested without being named."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.urls import URLPattern, reverse

from passport_events.models import (
    Delivery,
    Heartbeat,
    OperatorAction,
    ProcessedMessage,
    SalesforceOrganization,
    SalesforceRecord,
)
from tests.security.world import GROUP, World


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """One pattern, with arguments that lead to a row."""

    name: str
    """As `reverse` knows it, like `admin:passport_events_delivery_change`."""
    arguments: dict[str, Any]
    url: str


def our_admins() -> list[ModelAdmin[Any]]:
    """Every ModelAdmin of the package on the default site."""
    return [
        each for each in admin.site._registry.values() if type(each).__module__.startswith("passport_events")
    ]


def patterns() -> list[tuple[ModelAdmin[Any], URLPattern]]:
    """Every named pattern of theirs. Django's old redirect of a row's address has no name."""
    return [(each, pattern) for each in our_admins() for pattern in each.get_urls() if pattern.name]


def names() -> list[str]:
    """Of all addresses; needs no rows."""
    return sorted({f"admin:{pattern.name}" for _, pattern in patterns()})


def addresses(world: World) -> list[Address]:
    """All of them. Raises KeyError for an argument that no row is known for: say below which."""
    found = []
    for desk, pattern in patterns():
        arguments = {name: _argument(name, desk, pattern, world) for name in pattern.pattern.converters}
        name = f"admin:{pattern.name}"
        found.append(Address(name, arguments, reverse(name, kwargs=arguments)))
    return found


def _argument(name: str, desk: ModelAdmin[Any], pattern: URLPattern, world: World) -> Any:
    if name == "fingerprint":
        return GROUP
    if name in ("object_id", "pk"):
        if str(pattern.name).endswith("flow_end"):
            return world.pause.pk
        return {
            Delivery: world.message.delivery_id,
            Heartbeat: world.heartbeat.pk,
            OperatorAction: world.operation.pk,
            ProcessedMessage: world.message.pk,
            SalesforceOrganization: world.home.pk,
            SalesforceRecord: world.record.pk,
        }[desk.model]
    raise KeyError(name)
