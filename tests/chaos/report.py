"""What a run says at its end: the table of faults, what is wrong, and the last line."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.checker import Verdict, Violation

_COMPLAINTS_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All that a run came to."""

    seed: int
    ablation: str
    verdict: Verdict
    injected: Mapping[str, int]
    """Kind of fault -> how often."""
    kills: Mapping[str, int]
    """Kind of fault -> how many processes it killed."""
    broken: tuple[str, ...]
    """What is wrong with the run itself: faults that raised, or too few of them."""
    restarts: int
    """How often a process was started again, whatever it died of."""
    crashes: int
    """Attempts that ended with the death of their worker."""
    retried_by_operator: int

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong, with the pipeline and with the run."""
        return self.verdict.is_right and not self.broken

    @property
    def summary(self) -> str:
        """The last line."""
        verdict = self.verdict
        return (
            f"chaos: events={verdict.events} kills={sum(self.kills.values())} faults={len(self.injected)} "
            f"lost={verdict.count(Violation.LOST)} duplicated={verdict.count(Violation.DUPLICATED)} "
            f"stuck={verdict.count(Violation.STUCK)}"
        )

    def as_json(self) -> str:
        """The same for programs."""
        found = dataclasses.asdict(self)
        found["verdict"]["violations"] = {
            violation: len(texts) for violation, texts in self.verdict.violations.items()
        }
        return json.dumps(found | {"is_right": self.is_right})


def lines(outcome: Outcome) -> Iterator[str]:
    """Everything but the last line."""
    widest = max(map(len, outcome.injected), default=0)
    yield f"{'fault':<{widest}}  times  killed"
    for name, times in sorted(outcome.injected.items()):
        yield f"{name:<{widest}}  {times:5}  {outcome.kills.get(name, 0):6}"
    verdict = outcome.verdict
    yield (
        f"seed {outcome.seed}; {verdict.acknowledged} publications acknowledged, {verdict.recovered} events "
        f"recovered whose answer was lost; {outcome.restarts} restarts, {outcome.crashes} crashed attempts, "
        f"{outcome.retried_by_operator} sent back by the operator"
    )
    yield from (f"broken: {text}" for text in outcome.broken)
    for violation, texts in verdict.violations.items():
        if texts:
            yield f"{violation}: {len(texts)}"
            yield from (f"    {text}" for text in texts[:_COMPLAINTS_SHOWN])


def keep(outcome: Outcome, directory: Path) -> None:
    """Write every complaint beside the logs of the processes."""
    found = {violation: list(texts) for violation, texts in outcome.verdict.violations.items() if texts}
    (directory / "violations.json").write_text(json.dumps(found, indent=1) + "\n")
    (directory / "report.txt").write_text("\n".join([*lines(outcome), outcome.summary]) + "\n")
