"""`python -m tests.chaos`: one run. Exits 0 when nothing was lost, doubled, stuck, unexpected or wrong."""

from __future__ import annotations

import argparse
import dataclasses
import random
import re
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos import ablations, faults, report
from tests.chaos.ablate import ablate
from tests.chaos.directed import DIRECTED
from tests.chaos.run import run
from tests.chaos.sizes import SIZES


def main() -> int:
    """Run what the arguments ask for."""
    arguments = _parser().parse_args()
    if sys.platform != "linux":
        sys.stderr.write("chaos: it needs Linux, whose kernel hands it the orphans of killed workers.\n")
        return 2
    seed = random.randrange(10**6) if arguments.seed is None else arguments.seed
    if arguments.ablations:
        return ablate(seed)
    directed = DIRECTED.get(arguments.without)
    asked = {name: getattr(arguments, name) for name in ("events", "seconds", "kills")}
    size = dataclasses.replace(
        directed.size if directed else SIZES[arguments.size],
        **{name: value for name, value in asked.items() if value is not None},
    )
    directory = Path(tempfile.mkdtemp(prefix="passport-chaos-"))
    directory.chmod(0o755)
    sys.stderr.write(f"seed {seed}, logs in {directory}\n")
    every = directed.faults if directed and not arguments.faults else faults.ALL
    catalogue = [fault for fault in every if re.search(arguments.faults, fault.name)]
    outcome = run(size, seed, directory, catalogue, arguments.without)
    report.keep(outcome, directory)
    if outcome.is_right and not arguments.keep:
        shutil.rmtree(directory)
    if arguments.json:
        said = [outcome.as_json()]
    else:
        kept = [] if outcome.is_right else [f"The evidence is in {directory}."]
        said = [*report.lines(outcome), *kept, outcome.summary]
    sys.stdout.write("\n".join(said) + "\n")
    return 0 if outcome.is_right else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--size", choices=sorted(SIZES), default="normal", help="default: normal")
    parser.add_argument("--seed", type=int, help="the same faults in the same order; default: a random one")
    parser.add_argument("--events", type=int, metavar="N", help="at least so many, instead of the size's")
    parser.add_argument("--seconds", type=float, metavar="S", help="publish and break for about so long")
    parser.add_argument("--kills", type=int, metavar="N", help="at least so many")
    parser.add_argument(
        "--without", choices=sorted(ablations.ABLATIONS), default="", help="take one safeguard away"
    )
    parser.add_argument("--faults", default="", metavar="REGEX", help="only kinds with such a name")
    parser.add_argument(
        "--ablations", action="store_true", help="a short run without each safeguard; all must be noticed"
    )
    parser.add_argument("--json", action="store_true", help="the outcome as one JSON object")
    parser.add_argument("--keep", action="store_true", help="keep the logs of a run without violations too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
