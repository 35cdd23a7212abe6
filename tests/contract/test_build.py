"""What is committed and what is sent are what the types say."""

from __future__ import annotations

import zipfile
from pathlib import Path

from passport_events.contract import VERSION, build


def test_committed_files_are_current() -> None:
    """If this fails: `make contract`, and look at the difference before you commit it."""
    folder = build.FOLDER
    committed = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*.json")
    }

    assert committed == build.generate_files()


def test_writing_makes_these_files_and_removes_others(tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()
    for name in ("course.schema.json", "samples/course.valid.json"):
        (tmp_path / name).write_text("{}")

    build.write_files(tmp_path)

    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.json")} == set(
        build.generate_files()
    )


def test_two_archives_are_the_same_to_the_byte(tmp_path: Path) -> None:
    first, second = build.write_archive(tmp_path / "a"), build.write_archive(tmp_path / "b")

    assert first.name == f"passport-events-contract-{VERSION}.zip"
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as opened:
        names = opened.namelist()
        assert names == sorted(names)
        assert {info.date_time for info in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        within = f"{build.NAME}/"
        assert {name.removeprefix(within) for name in names} == {*build.generate_files(), "README.md"}
        for name, text in build.generate_files().items():
            assert opened.read(within + name).decode() == text
