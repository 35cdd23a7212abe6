"""Student data: masked until somebody who may see it asks."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_variables

from passport_events.admin.base import M, ReadOnlyAdmin
from passport_events.admin.pagination import build_query
from passport_events.operating import audit_log
from passport_events.operating.audit_log import Actor
from passport_events.operating.text import escape_invisible, format_line, format_value

PERMISSION = "passport_events.view_payload"
MASK = "••••••"
"""Of one length, because lengths tell as well."""
MAX_VALUE_CHARACTERS = 2_000
"""Characters of one value; what is longer is cut, and says so."""


@dataclasses.dataclass(frozen=True, slots=True)
class ShownPayload:
    """Turns values into text, for one look."""

    is_shown: bool
    reveal_url: str = ""
    """Where to ask for the values; empty for whoever may not see them."""

    def value(self, value: Any) -> str:
        """One value of an event or a record."""
        return format_value(value, MAX_VALUE_CHARACTERS) if self.is_shown else MASK

    def body(self, body: bytes | memoryview | None) -> str:
        """Raw bytes, as far as a person would read them."""
        if not body:
            return gettext("(redacted)")
        return escape_invisible(bytes(body).decode("utf-8", "replace")) if self.is_shown else MASK


class RevealingAdmin(ReadOnlyAdmin[M]):
    """Rows with values in them. A page is asked for without them; a POST from it brings them."""

    def content(self, row: M, payload: ShownPayload, request: HttpRequest) -> dict[str, Any]:
        """What the page of one row shows, with as much of its values as `payload` lets through."""
        raise NotImplementedError

    def page_context(self, request: HttpRequest, row: M) -> dict[str, Any]:
        url = self.url("reveal", row.pk) + build_query(request) if request.user.has_perm(PERMISSION) else ""
        return self._with_payload(row, ShownPayload(is_shown=False, reveal_url=url), request)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.reveal_view)
        return [path("<path:object_id>/reveal/", view, name=self.url_name("reveal")), *super().get_urls()]

    @sensitive_variables()
    def reveal_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The same page with its values. A GET, like a reload, leads back to the page without them."""
        row = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        if row is None:
            raise Http404
        if request.method != "POST":
            return HttpResponseRedirect(self.url_of(row) + build_query(request))
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        audit_log.record_payload_view(row, Actor.from_user(request.user))  # type: ignore[arg-type]  # admin_view let no anonymous in
        context = self._with_payload(row, ShownPayload(is_shown=True), request)
        return self.page(request, self.page_template, title=format_line(row), **context)

    def _with_payload(self, row: M, payload: ShownPayload, request: HttpRequest) -> dict[str, Any]:
        return {"payload": payload, **self.content(row, payload, request)}
