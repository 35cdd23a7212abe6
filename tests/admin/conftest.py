"""Who looks at the desk. Imports are inside: a conftest is read before Django is set up."""
# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.test import Client

Login = Callable[..., "Client"]


@pytest.fixture(autouse=True)
def _fresh_organizations() -> None:
    """Organizations are cached in this process; those of other tests are gone from the database."""
    from passport_events.receiving import organization_cache

    organization_cache.clear()


@pytest.fixture
def login() -> Login:
    """`login("retry_message")`: a member of staff who may view everything, and that."""
    from django.contrib.auth.models import Permission, User
    from django.db.models import Q
    from django.test import Client

    def make(*codenames: str, name: str = "ann", views: bool = True) -> Client:
        user = User.objects.create_user(name, is_staff=True)
        ours = Permission.objects.filter(content_type__app_label="passport_events")
        viewing = Q(codename__startswith="view_") & ~Q(codename="view_payload")
        user.user_permissions.set(ours.filter((viewing if views else Q(pk=None)) | Q(codename__in=codenames)))
        client = Client(enforce_csrf_checks=False)
        client.force_login(user)
        return client

    return make
