"""The mirror row of one Salesforce record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import models

from passport_events import conf
from passport_events.db.managers import PrimaryManager
from passport_events.event import find_compounds, is_among
from passport_events.exact_json import ExactDecoder, ExactEncoder
from passport_events.exceptions import FieldUnknown, UnknownReason
from passport_events.models.organization import SalesforceOrganization

MAX_RECORDS_COMPARED = 1_000
"""Newest records that are searched for a name that may be mistyped."""


class SalesforceRecord(models.Model):
    """What all merged events say about one record. Handlers receive it as their second argument.

    `record["StageName"]` raises FieldUnknown where the mirror has not seen the field; a complete
    record answers None for a field that Salesforce left empty, but not for a mistyped name or a compound.
    """

    organization = models.ForeignKey(
        SalesforceOrganization,
        on_delete=models.PROTECT,
        related_name="records",
        db_index=False,  # the unique constraint begins with it
    )
    entity = models.CharField(max_length=80)
    record_id = models.CharField(max_length=18)
    fields = models.JSONField(default=dict, encoder=ExactEncoder, decoder=ExactDecoder)
    merge_state = models.JSONField(default=dict, help_text="Which message wrote each field, and when.")
    version = models.CharField(max_length=64, blank=True, help_text="The newest merged.")
    is_deleted = models.BooleanField(default=False)
    is_complete = models.BooleanField(
        default=False, help_text="Every field is known: the record was seen whole."
    )
    needs_refetch = models.BooleanField(
        default=False, help_text="Events tied, were missing values or fell out; Salesforce must be asked."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    _unknown: tuple[Any, Collection[str]] = (None, ())
    _compounds: tuple[Any, Mapping[str, str]] = (None, {})

    objects = PrimaryManager()

    class Meta:
        verbose_name = "Salesforce record"
        base_manager_name = "objects"
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "record_id"), name="passport_record_once_per_organization"
            ),
        )
        indexes = (
            models.Index(
                fields=("entity", "organization"),
                name="passport_record_refetch",
                condition=models.Q(needs_refetch=True),
            ),
            models.Index(fields=("record_id",), name="passport_record_id"),
        )

    def __str__(self) -> str:
        return f"{self.entity} {self.record_id}"

    def __getitem__(self, name: str) -> Any:
        """The value of a field. Raises FieldUnknown where the mirror cannot know it."""
        value = self.fields.get(name)
        if value is not None:
            return value
        if part := self._parts().get(name):
            raise FieldUnknown(name, self.record_id, part, UnknownReason.COMPOUND)
        if name in self.fields:
            return None
        kept = conf.get_settings().mirror_fields.get(self.entity)
        is_mirrored = kept is None or is_among(name, kept)
        near = find_near_name(name, self.fields) or ""
        if self.is_complete and is_mirrored and not is_among(name, self._unknown_names()):
            is_named = kept is not None and name in kept
            if near and self.fields[near] is not None and not is_named and not self._has_been_shown(name):
                raise FieldUnknown(name, self.record_id, near, UnknownReason.MISTYPED)
            return None
        reason = UnknownReason.NOT_SEEN if is_mirrored else UnknownReason.NOT_MIRRORED
        raise FieldUnknown(name, self.record_id, near, reason)

    def __contains__(self, name: str) -> bool:
        try:
            self[name]
        except FieldUnknown:
            return False
        return True

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a field, or `default` where the mirror cannot know it."""
        try:
            return self[name]
        except FieldUnknown:
            return default

    def _parts(self) -> Mapping[str, str]:
        """Compound field -> its first part that has a value, or an unknown one. Made once, as below."""
        if self._compounds[0] is not self.fields:
            nested = {leaf for leaf, value in self.fields.items() if value is not None and "." in leaf}
            nested |= {leaf for leaf in self._unknown_names() if "." in leaf}
            found = {above: leaf for leaf in sorted(nested, reverse=True) for above in find_compounds(leaf)}
            self._compounds = (self.fields, found)
        return self._compounds[1]

    def _unknown_names(self) -> Collection[str]:
        """As a set, made once: a handler may look at every field, and there may be tens of thousands."""
        names = self.merge_state.get("unknown", ())
        if self._unknown[0] is not names:
            self._unknown = (names, frozenset(names))
        return self._unknown[1]

    def _has_been_shown(self, name: str) -> bool:
        """True if a record near this one, or one of the newest, has this field, so that its name is right.

        By the database and not by what this process has seen, so that all workers agree. Neighbours by
        Salesforce's id are of the same object: among the newest of all, those of a rare one may be absent.
        """
        everything = SalesforceRecord.objects
        looked_at = (
            everything.order_by("-pk"),
            everything.filter(record_id__lte=self.record_id).order_by("-record_id"),
            everything.filter(record_id__gt=self.record_id).order_by("record_id"),
        )
        return any(
            everything.filter(
                pk__in=rows.values("pk")[:MAX_RECORDS_COMPARED], entity=self.entity, fields__has_key=name
            ).exists()
            for rows in looked_at
        )


MIN_NAME_LENGTH = 5
"""Shorter names are one letter apart too easily."""
MAX_NAMES_COMPARED = 1_000
"""An object of Salesforce has fewer fields. Beyond them nothing is compared, so that no look costs much."""


def find_near_name(name: str, known: Collection[str]) -> str | None:
    """The one of `known` names that differs by case, underscores, `__c` or one letter, or None.

    Salesforce takes no two fields of an object that differ by case alone. Digits are no mistake:
    `Phone1__c` and `Phone2__c` are two fields.
    """
    if len(known) > MAX_NAMES_COMPARED:
        return None
    plain = _simplify_name(name)
    near = None
    for other in known:
        if name == other:
            continue
        candidate = _simplify_name(other)
        if candidate == plain:
            return other
        if near is None and abs(len(candidate) - len(plain)) <= 1 and _is_one_letter_off(plain, candidate):
            near = other
    return near


def _simplify_name(name: str) -> str:
    return name.casefold().removesuffix("__c").replace("_", "")


def _is_one_letter_off(one: str, other: str) -> bool:
    if len(one) > len(other):
        one, other = other, one
    if len(one) < MIN_NAME_LENGTH or len(other) - len(one) > 1:
        return False
    at = next(
        (place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one)
    )
    if len(one) < len(other):
        is_near, differing = one[at:] == other[at + 1 :], other[at]
    elif one[at + 1 :] == other[at + 1 :]:
        is_near, differing = True, one[at : at + 1] + other[at : at + 1]
    else:
        swapped = one[at + 1 : at + 2] + one[at : at + 1] + one[at + 2 :]
        is_near, differing = swapped == other[at:], one[at : at + 2]
    return is_near and differing.isalpha()
