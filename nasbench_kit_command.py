"""The entry of the command ``nasbench-kit``. It lies outside of the package, whose import takes most of a second.

Until the command itself takes over, Ctrl-C ends the process with one line instead of a traceback through half-imported modules.
"""

from __future__ import annotations

import os
import signal

__all__ = ["main"]


def _end(*_: object) -> None:
    os.write(2, b"nasbench-kit: interrupted\n")
    os._exit(130)


def main() -> int:
    """Run ``nasbench-kit``; returns the exit status."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # whoever ignores it goes on ignoring it
        signal.signal(signal.SIGINT, _end)
    from nasbench_kit.cli.main import main as command

    return command()
