"""The files that are published, and the archive for the team that gets them: `make contract`.

The same types give the same bytes, on every machine and every day.
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from passport_events.contract import VERSION, asyncapi, build_schema_id
from passport_events.contract.sample_messages import INVALID, VALID
from passport_events.contract.types import TYPES

FOLDER = Path(__file__).parent
NAME = f"passport-events-contract-{VERSION}"


def generate_files() -> dict[str, str]:
    """Everything that is generated: the path below this folder, and the text."""
    found = {"asyncapi.json": _format_json(asyncapi.build_document())}
    for kind in TYPES:
        found[f"{kind}.schema.json"] = _format_json(build_schema(kind))
        found[f"samples/{kind}.valid.json"] = _format_json(VALID[kind])
        found[f"samples/{kind}.invalid.json"] = _format_json(INVALID[kind])
    return dict(sorted(found.items()))


def write_files(folder: Path = FOLDER) -> None:
    """Write them, and remove what is no longer generated."""
    for old in [*folder.glob("*.json"), *folder.glob("samples/*.json")]:
        old.unlink()
    (folder / "samples").mkdir(exist_ok=True)
    for name, text in generate_files().items():
        (folder / name).write_text(text, encoding="utf-8")


def write_archive(target: Path) -> Path:
    """Write the archive into a folder, which is made if it is missing. Returns its path."""
    target.mkdir(parents=True, exist_ok=True)
    path = target / f"{NAME}.zip"
    texts = {**generate_files(), "README.md": (FOLDER / "README.md").read_text(encoding="utf-8")}
    with zipfile.ZipFile(path, "w") as opened:
        for name, text in sorted(texts.items()):
            # Without compression, whose bytes differ between releases of zlib.
            entry = zipfile.ZipInfo(f"{NAME}/{name}", date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, also on Windows
            entry.external_attr = 0o644 << 16
            opened.writestr(entry, text)
    return path


def _format_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write_files()
    path = write_archive(Path(sys.argv[1]))
    sys.stdout.write(f"contract: version={VERSION} files={len(generate_files())} archive={path}\n")


class _PlainSchema(GenerateJsonSchema):
    """Without what says nothing: titles that repeat a name, defaults that mean "absent"."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:
        return value  # The order of the types is the order in which people read.


def build_schema(kind: str) -> dict[str, Any]:
    """The schema of a kind. Raises KeyError for one that is not among `kinds()`."""
    made = TYPES[kind].model_json_schema(schema_generator=_PlainSchema)
    first = {
        "$schema": _PlainSchema.schema_dialect,
        "$id": build_schema_id(kind),
        "title": made.pop("title"),
        "description": made.pop("description"),
        "type": made.pop("type"),
    }
    return {**first, **made, "examples": [VALID[kind]]}
