"""Case D3. What README and the install page tell people to paste runs in a fresh project."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_database

REPOSITORY = Path(__file__).parents[1]
BLOCK = re.compile(r"^( *)```python\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


def blocks(page: Path) -> list[str]:
    return [textwrap.dedent(body) for _, body in BLOCK.findall(page.read_text())]


@pytest.mark.parametrize("page", ["README.md", "docs/install.md"])
def test_the_settings_block_runs_as_pasted(page: str, tmp_path: Path) -> None:
    (block,) = [block for block in blocks(REPOSITORY / page) if "INSTALLED_APPS" in block]
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    environment |= {"PYTHONPATH": f"{tmp_path}:{REPOSITORY}"}

    def run(*arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, *arguments],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    run("-m", "django", "startproject", "fresh", str(tmp_path))
    with (tmp_path / "fresh" / "settings.py").open("a") as settings:
        settings.write(block)
    run("manage.py", "check")
    run("manage.py", "migrate", "--verbosity=0")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_python_block_compiles(page: Path) -> None:
    for block in blocks(page):
        try:
            ast.parse(block)
        except SyntaxError:
            ast.parse("{" + block + "}")  # entries of PASSPORT_EVENTS
