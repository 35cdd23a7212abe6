"""Who takes part: which processes, in whose tables, and what of our work they leave out."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


class Tables(enum.StrEnum):
    """Whose tables the work ends up in: ours, or the three that somebody makes by hand."""

    OURS = "ours"
    PEERS = "peers"


class Side(enum.StrEnum):
    """What a contender is compared as."""

    OURS = "ours"
    NAIVE = "naive"
    PEER = "peer"
    FLOOR = "floor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One process: `python ARGUMENTS`."""

    name: str
    arguments: tuple[str, ...]
    role: str = "bench_worker"
    """The database role, by which its statements are told from those of others."""
    ready: str = ""
    """What its log says once it is ready; a program that receives shows it by its long poll."""
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One row of the table."""

    name: str
    title: str
    side: Side
    programs: tuple[Program, ...]
    receivers: int
    """Long polls that are there once everybody is ready."""
    events: int
    """Events of a run: about ten seconds of work."""
    quick_events: int
    missing: str
    """What it does not do that we do."""
    tables: Tables = Tables.PEERS
    envelope: Callable[[str], str] = str
    """What a library wants around the SNS notification."""
    has_handler: bool = False
    is_modern: bool = False
    """Needs Python 3.12, and so runs on another interpreter than the rest."""
    in_table: bool = True
    """False for one that only answers a question, and runs once."""
