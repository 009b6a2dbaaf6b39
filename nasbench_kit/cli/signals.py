"""Ctrl-C and termination signals as exceptions, so that temporary files are removed as after an error.

Nothing here happens by importing the library; only a command that runs has these handlers.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

__all__ = ["Stop", "raised_signals"]


class Stop(KeyboardInterrupt):
    """A signal that ends the command; a KeyboardInterrupt, which libraries do not catch."""


class Signals:
    """Which signal arrived while a command ran.

    Attributes
    ----------
    came : int
        Its number; 0 as long as there was none. It is kept because a library may swallow the exception: some turn whatever
        reading raises into an error of their own.
    """

    came = 0

    @property
    def line(self) -> str:
        """The message for the user."""
        word = "interrupted" if self.came == signal.SIGINT else f"ended by {signal.Signals(self.came).name}"
        return f"nasbench-kit: {word}; what was written before is untouched"

    @property
    def status(self) -> int:
        """The exit status, by the convention of shells."""
        return 128 + self.came


@contextlib.contextmanager
def raised_signals() -> Iterator[Signals]:
    """Let SIGINT, SIGTERM and SIGHUP raise `Stop`, except where whoever started the command has them ignored.

    Python swallows what is raised in finalizers and callbacks of weak references; a signal that arrives there is sent again.
    """
    signals, owner = Signals(), os.getpid()
    if threading.current_thread() is not threading.main_thread():  # others have no signals
        yield signals
        return

    def stop(number: int, _: FrameType | None) -> None:
        if os.getpid() != owner:  # a forked worker: it has nothing to say, and ends as it would without us
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        signals.came = number
        raise Stop

    def send_again(swallowed: sys.UnraisableHookArgs) -> None:
        if issubclass(swallowed.exc_type, Stop):
            again = threading.Timer(0.02, os.kill, (owner, signals.came))  # once this has returned
            again.daemon = True
            again.start()
        else:
            hook(swallowed)

    hook, sys.unraisablehook = sys.unraisablehook, send_again
    before = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # there is no SIGHUP on Windows
        if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
            before[number] = signal.signal(number, stop)
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        sys.unraisablehook = hook
