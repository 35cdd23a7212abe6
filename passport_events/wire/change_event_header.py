"""ChangeEventHeader: what Salesforce says about a change, apart from the fields.

Format: "Change Event Header Fields" in Salesforce's Change Data Capture Developer Guide.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from passport_events.event import Change, Version
from passport_events.exceptions import Unreadable
from passport_events.salesforce_ids import normalize_id
from passport_events.wire.flatten import check_name
from passport_events.wire.json_fields import (
    get_optional_text,
    require_object,
    require_text,
    require_texts,
    require_whole_number,
    schema_error,
)

HEADER_NAME = "ChangeEventHeader"

_CHANGES = {
    "CREATE": Change.CREATED,
    "UPDATE": Change.UPDATED,
    "DELETE": Change.DELETED,
    "UNDELETE": Change.UNDELETED,
}
_GAP = "GAP_"
_OVERFLOW = "GAP_OVERFLOW"
# In an overflow event, whose records nobody lists, this stands where an id should.
_NO_RECORD = "000000000000000"
_LAST_MILLISECOND = 10**14 - 1  # A version has fourteen digits for it, which end in the year 5138.


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEventHeader:
    """A header whose members have the right types. Nothing is decided yet."""

    path: str
    """Where it stands, with the last dot, for errors."""
    entity: str
    change_type: str
    record_ids: tuple[str, ...]
    """As sent: 15 or 18 characters, a wildcard, or the dummy of an overflow."""
    version: Version
    sequence_number: int
    transaction_key: str
    origin: str
    changed: frozenset[str]
    nulled: frozenset[str]
    diffs: frozenset[str]
    """Fields of which only a difference of texts is sent."""

    @property
    def change(self) -> Change:
        """What happened to each record. Raises Unreadable `resync_needed` for an overflow."""
        if self.change_type == _OVERFLOW:
            raise Unreadable("resync_needed", "GAP_OVERFLOW: more changes than Salesforce lists")
        change = _CHANGES.get(self.change_type.removeprefix(_GAP))
        if change is None:
            raise schema_error(f"{self.path}changeType", "be one of those that Salesforce documents")
        return change

    @property
    def is_gap(self) -> bool:
        """Whether Salesforce could not tell what changed."""
        return self.change_type.startswith(_GAP)

    def records(self) -> list[str]:
        """The ids, 18 characters each, every one once. Raises Unreadable `resync_needed`, `bad_id`."""
        found: dict[str, None] = {}
        for position, record_id in enumerate(self.record_ids):
            where = f"{self.path}recordIds[{position}]"
            if record_id.endswith("*") or record_id.startswith(_NO_RECORD):
                raise Unreadable("resync_needed", f"{where} stands for any number of records")
            found[normalize_id(record_id, where)] = None
        return list(found)


def read_header(payload: Mapping[str, Any], path: str) -> ChangeEventHeader:
    """The header of a change event whose own path is `path`. Raises Unreadable `schema`."""
    header = require_object(payload, HEADER_NAME, path)
    path = f"{path}{HEADER_NAME}."
    record_ids = require_texts(header, "recordIds", path)
    if not record_ids:
        raise schema_error(f"{path}recordIds", "not be empty")
    change_type = require_text(header, "changeType", path)
    sequence = require_whole_number(header, "sequenceNumber", 0, 9_999_999_999, path)
    timestamp = require_whole_number(header, "commitTimestamp", 0, _LAST_MILLISECOND, path)
    number = header.get("commitNumber")
    if number is not None:
        number = require_whole_number(header, "commitNumber", 0, 2**63 - 1, path)
    return ChangeEventHeader(
        path=path,
        entity=require_text(header, "entityName", path),
        change_type=change_type,
        record_ids=record_ids,
        version=Version.of_commit(timestamp, number or 0, sequence),
        sequence_number=sequence,
        transaction_key=require_text(header, "transactionKey", path),
        origin=get_optional_text(header, "changeOrigin", path) or "",
        # Only an update needs them, and only newer senders write all three.
        changed=_read_names(header, "changedFields", path, required=change_type == "UPDATE"),
        nulled=_read_names(header, "nulledFields", path),
        diffs=_read_names(header, "diffFields", path),
    )


def _read_names(header: Mapping[str, Any], name: str, path: str, *, required: bool = False) -> frozenset[str]:
    if header.get(name) is None and not required:
        return frozenset()
    names = require_texts(header, name, path)
    for field_name in names:
        check_name(field_name)
    return frozenset(names)
