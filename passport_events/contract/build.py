"""The files that are published, and the archive for the team that gets them: `make contract`.

The same types give the same bytes, on every machine and every day.
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

from passport_events.contract import VERSION, asyncapi
from passport_events.contract.sample_messages import INVALID, VALID
from passport_events.contract.schemas import schema_of
from passport_events.contract.types import TYPES

FOLDER = Path(__file__).parent
NAME = f"passport-events-contract-{VERSION}"


def files() -> dict[str, str]:
    """Everything that is generated: the path below this folder, and the text."""
    found = {"asyncapi.json": _text(asyncapi.document())}
    for kind in TYPES:
        found[f"{kind}.schema.json"] = _text(schema_of(kind))
        found[f"samples/{kind}.valid.json"] = _text(VALID[kind])
        found[f"samples/{kind}.invalid.json"] = _text(INVALID[kind])
    return dict(sorted(found.items()))


def write(folder: Path = FOLDER) -> None:
    """Write them, and remove what is no longer generated."""
    for old in [*folder.glob("*.json"), *folder.glob("samples/*.json")]:
        old.unlink()
    (folder / "samples").mkdir(exist_ok=True)
    for name, text in files().items():
        (folder / name).write_text(text, encoding="utf-8")


def archive(target: Path) -> Path:
    """Write the archive into a folder, which is made if it is missing. Returns its path."""
    target.mkdir(parents=True, exist_ok=True)
    path = target / f"{NAME}.zip"
    texts = {**files(), "README.md": (FOLDER / "README.md").read_text(encoding="utf-8")}
    with zipfile.ZipFile(path, "w") as opened:
        for name, text in sorted(texts.items()):
            # Without compression, whose bytes differ between releases of zlib.
            entry = zipfile.ZipInfo(f"{NAME}/{name}", date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, also on Windows
            entry.external_attr = 0o644 << 16
            opened.writestr(entry, text)
    return path


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write()
    sys.stdout.write(
        f"contract: version={VERSION} files={len(files())} archive={archive(Path(sys.argv[1]))}\n"
    )
