"""Each event once, whatever brings it: which drafts say something that is not stored yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from passport_events.receiving.rows import Draft


def keys_of(drafts: Iterable[Draft]) -> set[str]:
    """Every key under which one of these may be stored already."""
    return {key for draft in drafts for key in (draft.message.dedup_key, draft.collision_key)}


def only_new(drafts: Iterable[Draft], stored: Mapping[str, str]) -> list[Draft]:
    """Drafts whose key nobody has, each key once. One that says something else gets a key of its own.

    `stored` is what `statements.find` knows of their keys.
    """
    taken = dict(stored)
    new: list[Draft] = []
    for draft in drafts:
        content = draft.message.content_hash
        if taken.get(draft.message.dedup_key, content) != content:
            draft.quarantine_as_collision()
        if draft.message.dedup_key not in taken:
            taken[draft.message.dedup_key] = content
            new.append(draft)
    return new


def is_stored(draft: Draft, stored: Mapping[str, str]) -> bool:
    """Whether the database has this event, saying the same."""
    return stored.get(draft.message.dedup_key) == draft.message.content_hash
