"""The desk in the awkward host: own user model, local time, a read replica that lacks every row."""

from __future__ import annotations

from tests.harness.monolith import Monolith

DESK = r"""
import re
from django.contrib import admin
from django.contrib.messages.storage.cookie import CookieStorage
from django.test import RequestFactory
from passport_events.handling.worker import work
from passport_events.models import *
from passport_events.operating import health
from passport_events.processes.heartbeat import ProcessHeartbeat, ProcessStatus
from tests.monolith.campus.models import User
from tests.operating.inbox import dead, opportunity, organization

organization(name="Northfield")
opportunity(1)
work("crm-opps")
message = dead(2)
status = ProcessStatus()
status.note_receive(committed=True)
ProcessHeartbeat(status, None).beat()
user = User(email="ann@example.com", is_staff=True, is_superuser=True)
user.save(using="default")

def show(model, row=None):
    request = RequestFactory().get("/")
    request.user, request._messages = user, CookieStorage(request)
    desk = admin.site.get_model_admin(model)
    response = desk.change_view(request, str(row.pk)) if row else desk.changelist_view(request)
    return response.render().content.decode()

for model in (Delivery, Heartbeat, OperatorAction, ProcessedMessage, SalesforceOrganization, SalesforceRecord):
    assert "/backoffice/" in show(model), model
assert "retries used up" in show(ProcessedMessage, message)
record = SalesforceRecord.objects.get()
assert "Field sources" in show(SalesforceRecord, record)
assert "Raw message" in show(Delivery, message.delivery)
assert re.search(r">\d+ s ago<", show(Heartbeat))
assert health.check_poller().ok, health.check_poller()

desk = admin.site.get_model_admin(ProcessedMessage)
request = RequestFactory().post("/", {"ids": message.pk, "confirmed": "yes", "reason": "fixed"})
request.user, request._messages = user, CookieStorage(request)
done = desk.confirm_view(request, action=desk.row_actions[0])
assert done["Location"] == f"/backoffice/passport_events/processedmessage/{message.pk}/change/", done
action = OperatorAction.objects.get()
assert (action.actor_id, action.actor_name, action.affected) == (user.pk, "ann@example.com", 1)
work("crm-opps")
message.refresh_from_db()
print(message.status)
"""


def test_the_desk_works_in_the_monolith(monolith: Monolith) -> None:
    assert monolith.python(DESK).strip().endswith("succeeded")


def test_the_command_works_in_the_monolith(monolith: Monolith) -> None:
    assert "No failed messages." in monolith.manage("passport", "list", "--failed")
    monolith.manage("passport", "pause", "--event-type", "item", "--reason", "S3")
    assert "resumed" in monolith.manage("passport", "resume", "--event-type", "item")
