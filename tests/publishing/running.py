"""Running the verb, and messages for it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from django.core.management import call_command

from passport_events.testing import contract_message, organization_id, record_id, relay_message
from tests.harness.aws import Sqs

HOME = organization_id(1)


class Publishing:
    """Runs the verb on a file, and knows the topic and its queue."""

    def __init__(self, sqs: Sqs, directory: Path) -> None:
        self.sqs = sqs
        self._file = directory / "messages.jsonl"

    def file(self, *lines: object) -> str:
        """Write the lines; what is no text is written as JSON."""
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        self._file.write_text("\n".join(texts))
        return str(self._file)

    def __call__(self, *arguments: str) -> tuple[int, str]:
        """The exit code and everything it said."""
        said, code = io.StringIO(), 0
        try:
            call_command(
                "passport", "publish", "--topic", self.sqs.topic.arn, *arguments, stdout=said, stderr=said
            )
        except SystemExit as exited:
            code = int(exited.code or 0)
        return code, said.getvalue()


def opportunity(number: int, **options: Any) -> dict[str, Any]:
    record = record_id("Opportunity", number)
    return contract_message("opportunity", record, {"name": f"n{number}"}, organization=HOME, **options)


def merged(*numbers: int) -> dict[str, Any]:
    records = [record_id("Opportunity", number) for number in numbers]
    return relay_message("Opportunity", records, fields={"Name": "Acme"}, organization=HOME)
