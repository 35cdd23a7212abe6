"""The desk in Django's admin. It shows and asks; everything that changes rows is in `operating/`.

Registered on the default site. On another one: `site.register(ProcessedMessage, MessageAdmin)`.
"""

from passport_events.admin.deliveries import DeliveryAdmin
from passport_events.admin.heartbeats import HeartbeatAdmin
from passport_events.admin.journal import OperatorActionAdmin
from passport_events.admin.messages import MessageAdmin
from passport_events.admin.organizations import OrganizationAdmin
from passport_events.admin.records import RecordAdmin

__all__ = [
    "DeliveryAdmin",
    "HeartbeatAdmin",
    "MessageAdmin",
    "OperatorActionAdmin",
    "OrganizationAdmin",
    "RecordAdmin",
]
