"""The story must have in it what the faults are for, and be the same for the same seed."""

from __future__ import annotations

from collections import Counter

from tests.chaos import story
from tests.chaos.story import EVENTS_PER_CHAPTER, ORGANIZATIONS, SHADOW, Ending, make_chapter, publications
from tests.chaos.wishes import FIELD, Wish, wished


def _wishes(seed: int) -> Counter[Wish | None]:
    changes = [expected.change for expected in make_chapter(0, seed).events.values()]
    return Counter(wished(change.fields[FIELD])[0] for change in changes if FIELD in change.fields)


def test_the_same_seed_tells_the_same_story() -> None:
    first = make_chapter(3, seed=7)
    story._make.cache_clear()

    assert make_chapter(3, seed=7) == first
    assert make_chapter(3, seed=8) != first
    assert make_chapter(4, seed=7).events.keys().isdisjoint(first.events)


def test_no_two_events_of_a_record_share_a_version() -> None:
    chapter = make_chapter(0, seed=1)

    published = {publication.name for publication in (*chapter.publications, *chapter.late)}

    # One that has the version of another would have taken its place.
    assert {expected.name for expected in chapter.events.values()} == published - chapter.malformed.keys()


def test_everything_is_in_it() -> None:
    chapter = make_chapter(0, seed=1)
    endings = {expected.ending for expected in chapter.events.values()}
    names = Counter(publication.name for publication in chapter.publications)
    records = Counter(place.record for place in chapter.events)

    assert len(chapter.events) >= EVENTS_PER_CHAPTER
    assert {place.organization for place in chapter.events} == set(ORGANIZATIONS)
    assert endings >= {Ending.SUCCEEDED, Ending.DEAD, Ending.IGNORED}
    assert max(names.values()) > 1  # duplicates
    assert max(records.values()) >= 30  # hot records
    assert max(Counter(expected.name for expected in chapter.events.values()).values()) == 3  # twins
    assert chapter.malformed
    assert chapter.late


def test_every_wish_comes_true_somewhere() -> None:
    assert set(sum((_wishes(seed) for seed in range(12)), Counter())) == set(Wish)


def test_only_handlers_of_live_organizations_have_effects() -> None:
    for place, expected in make_chapter(0, seed=1).events.items():
        if expected.has_effect:
            assert place.organization != SHADOW
            assert expected.ending is Ending.SUCCEEDED
        if expected.ending is not Ending.SUCCEEDED:
            assert place.organization != SHADOW


def test_what_is_late_comes_in_the_midst_of_the_next_chapter() -> None:
    first, second = make_chapter(0, seed=1), make_chapter(1, seed=1)

    told = [publication.name for publication in publications([first, second])]

    begins = told.index(second.publications[0].name)
    late = {publication.name for publication in first.late}
    assert late <= set(told[begins:])
    assert len(told) == sum(len(c.publications) + len(c.late) for c in (first, second))
