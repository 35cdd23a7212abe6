"""Each event once, whatever brings it: which drafts say something that is not stored yet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from passport_events.receiving.drafts import Draft

Find = Callable[[Collection[str]], dict[str, str]]
"""As `statements.find`: keys that are in the database, with the hash of their content."""


def known(drafts: Sequence[Draft], find: Find) -> dict[str, str]:
    """What is in the database of these, under whatever key one of them may be stored already."""
    stored = find({draft.message.dedup_key for draft in drafts})
    said, collided = dict(stored), set()
    for draft in drafts:
        content = draft.message.content_hash
        if said.setdefault(draft.message.dedup_key, content) != content:
            collided.add(draft.collision_key)
    return stored | find(collided) if collided else stored


def only_new(drafts: Iterable[Draft], stored: Mapping[str, str]) -> list[Draft]:
    """Drafts whose key nobody has, each key once. One that says something else gets a key of its own.

    `stored` is what is `known` of them.
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
