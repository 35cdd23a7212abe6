"""A publisher has no Django project."""

import subprocess
import sys
from pathlib import Path

import pytest

ALONE = """
import importlib, json, pkgutil, sys

class Away:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"django", "django_rq", "rq", "redis", "boto3", "botocore"}:
            raise ImportError(f"{name} is not here")

sys.meta_path.insert(0, Away())
import passport_events.contract as contract
names = [module.name for module in pkgutil.iter_modules(contract.__path__, "passport_events.contract.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
from passport_events.contract.problems import find_kind, find_violations
body = json.load(sys.stdin)
print(len(names), find_kind(body), len(find_violations(body, find_kind(body))))
"""
SAMPLE = Path(__file__).parents[1] / "samples" / "synthetic" / "S4_custom_sns_message_attachment.json"


def test_the_contract_runs_where_django_is_not_installed() -> None:
    assert int(alone(ALONE, SAMPLE.read_text()).split()[0]) >= 5
    assert alone(ALONE, SAMPLE.read_text()).split()[1:] == ["attachment", "0"]


def test_the_blockade_works() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        alone(ALONE.replace("import passport_events.contract", "import passport_events.models"), "{}")


def alone(program: str, text: str) -> str:
    """What a new interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], input=text, capture_output=True, text=True, check=True
    )
    return done.stdout
