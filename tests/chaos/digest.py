"""A short text that stands for a payload's fields, for the ledger and for who checks it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def digest_of(fields: Mapping[str, Any]) -> str:
    """64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(dict(fields), sort_keys=True).encode()).hexdigest()
