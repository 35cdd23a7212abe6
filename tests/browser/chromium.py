"""Where Chromium is. `python -m tests.browser.chromium` gets Debian's if there is none and it may."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

VARIABLE = "PASSPORT_TEST_CHROMIUM"
DEBIANS = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox",  # root in a container has no other way; it opens nothing but pages of ours
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find() -> Path | None:
    """The one that was named, or Debian's; None when there is none."""
    path = Path(os.environ.get(VARIABLE) or DEBIANS)
    return path if os.access(path, os.X_OK) else None


def install() -> None:
    """Debian's, through apt-get. Raises CalledProcessError."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
        subprocess.run(["apt-get", *command], check=True, env=environment)  # noqa: S607  Debian's own place


def main() -> int:
    """0 when there is one now, 1 with a sentence that says how to get one."""
    is_named = bool(os.environ.get(VARIABLE))
    if find() is None and not is_named and os.geteuid() == 0 and shutil.which("apt-get"):
        try:
            install()
        except subprocess.CalledProcessError as error:
            sys.stderr.write(f"{error}\n")
    if find() is not None:
        return 0
    wanted = os.environ.get(VARIABLE) or DEBIANS
    sys.stderr.write(
        f"There is no Chromium at {wanted}, and only root on Debian can get it here: "
        f"`apt-get install chromium`, or set {VARIABLE} to the path of one.\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
