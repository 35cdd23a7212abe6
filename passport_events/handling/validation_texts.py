"""What Django's validation says. Its texts are in classes that no traceback has, and are translated."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.utils.translation import get_language, gettext

from passport_events.handling.source import find_source

_MODULES = (
    "django.core.validators",
    "django.db.models.base",
    "django.db.models.fields",
    "django.db.models.fields.files",
    "django.db.models.fields.json",
    "django.db.models.fields.related",
    "django.db.models.constraints",
    "django.forms.fields",
    "django.forms.models",
)


def validation_texts(errors: Iterable[BaseException]) -> frozenset[str]:
    """Django's own, where one of these errors is a ValidationError."""
    if any(isinstance(error, ValidationError) for error in errors):
        return _texts_in(get_language() or "")
    return frozenset()


@functools.lru_cache(maxsize=8)
def _texts_in(language: str) -> frozenset[str]:
    found: set[str] = set()
    for name in _MODULES:
        importlib.import_module(name)
        source = find_source(name, "<module>")
        if source is not None:
            found |= {text for text in source.texts if " " in text and "\n" not in text}
    return frozenset(found | set(map(gettext, found))) if language else frozenset(found)
