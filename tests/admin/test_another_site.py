"""The desk on an admin site of the project's own."""

from __future__ import annotations

import pytest
from django.contrib.admin import AdminSite
from django.test import Client
from django.urls import path
from pytest_django.fixtures import Settings

from passport_events.admin import MessageAdmin, OrganizationAdmin
from passport_events.models import ProcessedMessage, SalesforceOrganization, Status
from tests.admin.urls import listing, page
from tests.operating.inbox import dead, organization

site = AdminSite(name="backoffice")
site.register(ProcessedMessage, MessageAdmin)
site.register(SalesforceOrganization, OrganizationAdmin)
urlpatterns = [path("backoffice/", site.urls)]
pytestmark = pytest.mark.django_db


@pytest.fixture
def backoffice(settings: Settings, admin_client: Client) -> Client:
    """Only that site, and only two of the models."""
    settings.ROOT_URLCONF = __name__
    return admin_client


def test_links_stay_on_the_site_and_other_models_are_not_needed(backoffice: Client) -> None:
    home = organization()
    message = dead()
    answer = backoffice.get(page(message, "backoffice")).content.decode()
    assert page(home, "backoffice") in answer
    assert f"Delivery {message.delivery_id}" in answer
    assert 'href="/admin/' not in answer
    assert backoffice.get(listing(SalesforceOrganization, "backoffice")).status_code == 200


def test_actions_work_there(backoffice: Client) -> None:
    organization()
    message = dead()
    chosen = {"action": "retry", "_selected_action": message.pk, "index": 0}
    answer = backoffice.post(listing(ProcessedMessage, "backoffice"), chosen).content.decode()
    assert "/backoffice/passport_events/processedmessage/retry/" in answer
    posted = {"ids": message.pk, "confirmed": "yes", "reason": "x"}
    done = backoffice.post("/backoffice/passport_events/processedmessage/retry/", posted)
    assert done["Location"] == page(message, "backoffice")
    message.refresh_from_db()
    assert message.status == Status.WAITING
