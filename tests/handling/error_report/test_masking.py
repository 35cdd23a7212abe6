"""Phrases of an error report, which texts are masked by."""

from __future__ import annotations

from passport_events.handling.error_report.masking import Phrases, tokenize


def test_shared_phrases_are_found_and_not_added_to() -> None:
    shared = Phrases(["timed out", "Lost"])
    phrases = Phrases(["timed out while waiting", "Won"], base=shared)

    assert phrases.match(tokenize("timed out while waiting"), 0) == 7
    assert phrases.match(tokenize("timed out at once"), 0) == 3
    assert phrases.words == {"Lost", "Won"}
    assert shared.match(tokenize("timed out while waiting"), 0) == 3
    assert shared.words == {"Lost"}
