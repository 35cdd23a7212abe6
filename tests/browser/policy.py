"""The strictest Content-Security-Policy that the documents promise to need."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

Answer = Callable[[HttpRequest], HttpResponseBase]
POLICY = "default-src 'self'"


def strict(get_response: Answer) -> Answer:
    """Middleware that sends it with every page."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response["Content-Security-Policy"] = POLICY
        return response

    return answer
