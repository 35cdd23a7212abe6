"""What a delivery says about one Salesforce record: a frozen value, handed from stage to stage."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from passport_events.canonical_json import encode_canonical

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

S3_POINTER = "s3-pointer"
"""The event type of a message that only says where in S3 its events are. No project can define it."""


def find_compounds(name: str) -> Sequence[str]:
    """The compound fields above a leaf: `A` and `A.B` for `A.B.C`."""
    if "." not in name:
        return ()  # nearly every field of nearly every event
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def is_among(name: str, names: Collection[str]) -> bool:
    """Whether `names` has this field, or a compound field that it is a leaf of."""
    return name in names or ("." in name and any(above in names for above in find_compounds(name)))


class Change(enum.StrEnum):
    """What happened to the record. `SNAPSHOT` is a whole record whose history is not known."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    UNDELETED = "undeleted"
    SNAPSHOT = "snapshot"

    @property
    def is_whole(self) -> bool:
        """Whether the event carries every field of the record, so that an absent one is empty."""
        return self in (Change.CREATED, Change.UNDELETED, Change.SNAPSHOT)


CHANGE_WORDS = {
    "created": Change.CREATED,
    "updated": Change.UPDATED,
    "deleted": Change.DELETED,
    "undeleted": Change.UNDELETED,
    "upserted": Change.SNAPSHOT,
}
"""The contract's words for a change."""


class VersionKind(enum.StrEnum):
    """Where a version comes from. Two kinds are never compared with each other."""

    COMMIT = "commit"  # Salesforce's commitTimestamp, commitNumber and sequenceNumber
    SEQUENCE = "sequence"  # the contract's `sequence`
    OBSERVED = "observed"  # a re-read: Salesforce's clock before the read


@dataclasses.dataclass(frozen=True, slots=True)
class Version:
    """Orders two events of one record. `value` is zero-padded, so that text order is version order.

    Its first fourteen digits are milliseconds since 1970 for every kind.
    """

    kind: VersionKind
    value: str

    @classmethod
    def of_commit(cls, timestamp_ms: int, number: int, sequence: int) -> Version:
        """From a ChangeEventHeader; `number` is 0 where Salesforce sent none."""
        return cls(VersionKind.COMMIT, f"{timestamp_ms:014d}.{number:020d}.{sequence:010d}")

    @classmethod
    def of_observation(cls, timestamp_ms: int) -> Version:
        """From a re-read that saw the record at `timestamp_ms` of Salesforce's clock."""
        return cls(VersionKind.OBSERVED, f"{timestamp_ms:014d}")

    @property
    def milliseconds(self) -> int:
        """Milliseconds since 1970."""
        return int(self.value[:14])

    @property
    def time(self) -> datetime:
        """The same instant, in UTC."""
        return _EPOCH + timedelta(milliseconds=self.milliseconds)


@dataclasses.dataclass(frozen=True, slots=True)
class Identity:
    """What tells an event from every other one: the dedup key, and what it was made of."""

    strength: str
    """The strongest identity that was present: `cdc`, `uuid`, `cloudevents`, `body`, `sns`...."""
    key: str
    """64 hexadecimal digits: sha256 over that identity."""

    @classmethod
    def of(cls, strength: str, *parts: object) -> Identity:
        """Hash `parts`. Their lengths go in too, so that no two lists of parts look alike."""
        texts = [str(part).encode("utf-8", "surrogatepass") for part in parts]
        whole = strength.encode() + b"".join([b"|%d:%b" % (len(text), text) for text in texts])
        return cls(strength, hashlib.sha256(whole).hexdigest())


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change of one Salesforce record. Handlers receive it as their first argument.

    Its `repr` leaves out what is student data.
    """

    event_type: str
    """A key of `EVENT_TYPES`, for example `opportunity`."""
    change: Change
    organization: str
    """Salesforce's id of the organization, 18 characters."""
    entity: str
    """Salesforce's API name of the object, for example `OpportunityLineItem`."""
    record_id: str
    """Salesforce's id of the record, 18 characters."""
    version: Version
    identity: Identity
    fields: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    """Leaf names (`Name`, `BillingAddress.City`) and the values this event gives them."""
    missing: tuple[str, ...] = ()
    """Fields named as changed whose value the event does not carry."""
    enriched: tuple[str, ...] = ()
    """Fields among `fields` that did not change and are sent along; of a delete, all that are sent."""
    is_gap: bool = False
    """Salesforce could not tell what changed; the record has to be read again."""
    origin: str = ""
    """Salesforce's `changeOrigin`: which client made the change."""
    transaction: str = ""
    """Salesforce's `transactionKey`."""

    generation: int = 0
    """0, and one more for each replay that an operator asked for."""
    attempt: int = 1
    """Which attempt this is, from 1. Set while handling."""
    is_stale: bool = False
    """Newer data of this record is already merged. Set while handling."""
    prepared: Any = dataclasses.field(default=None, repr=False)
    """What the handler's `prepare` returned. Set while handling."""

    @property
    def occurred_at(self) -> datetime:
        """When Salesforce committed the change, in UTC."""
        return self.version.time

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt at this event, another one for each replay."""
        return f"{self.identity.key}:{self.generation}"

    def content(self) -> dict[str, Any]:
        """What the event says beyond its columns, as JSON; `fields` and `missing` are student data."""
        said = {
            "fields": dict(self.fields),
            "missing": list(self.missing),
            "is_gap": self.is_gap,
            "origin": self.origin,
            "transaction": self.transaction,
        }
        # Few events have any, and all are stored.
        return said | {"enriched": list(self.enriched)} if self.enriched else said

    def has_changed(self, name: str) -> bool:
        """Whether the event says that this field has a new value or was emptied.

        So does one that says it of a compound above the field, or of a part of it.
        """
        said = {*self.fields, *self.missing}.difference(self.enriched)
        return is_among(name, said) or any(each.startswith(f"{name}.") for each in said)

    def content_hash(self) -> str:
        """sha256 of the normalised content, which no envelope can change.

        `commitNumber` is left out: a JavaScript hop rounds it. What such a hop does to the numbers
        among the fields changes nothing either. Nor do enriched fields: a change may come by two channels,
        of which one sends them along.
        """
        said = [self.event_type, self.change, self.organization, self.entity, self.record_id]
        said.append(str(self.version.milliseconds))
        content = self.content()
        for name in content.pop("enriched", ()):
            del content["fields"][name]
        return hashlib.sha256(encode_canonical([said, content]).encode()).hexdigest()
