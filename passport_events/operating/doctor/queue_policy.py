"""Who may send to the queue: its access policy, which is what keeps strangers out.

Format: "Policies and permissions" in the AWS IAM User Guide.
"""

from __future__ import annotations

import json
from typing import Any

_TO_SEND = ("*", "sqs:*", "sqs:sendmessage")


def is_open(policy: str | None) -> bool:
    """Whether a statement lets everybody send, without a condition."""
    found = loads(policy)
    statements = _many(found.get("Statement")) if isinstance(found, dict) else []
    return any(_lets_everybody_send(statement) for statement in statements)


def _lets_everybody_send(statement: Any) -> bool:
    if not isinstance(statement, dict) or statement.get("Effect") != "Allow" or statement.get("Condition"):
        return False
    principal = statement.get("Principal")
    everybody = principal == "*" or (isinstance(principal, dict) and "*" in _many(principal.get("AWS")))
    return everybody and any(str(action).lower() in _TO_SEND for action in _many(statement.get("Action")))


def loads(text: str | None) -> Any:
    """What AWS hands out as JSON in a text; an empty object where it is none."""
    try:
        return json.loads(text or "{}")
    except ValueError:
        return {}


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
