"""Searches spread over this process and its pool of worker processes, in pieces of some runs each.

Runs are independent of each other, so that results do not depend on who runs what. Of a search's duration, nothing is known
before it has begun but that it is no shorter than the fastest one would be. A piece reports how far it is every few hundredths of
a second:

- Workers are started once what is left would take longer than that is worth.
- A piece that would take long is interrupted after a tenth of a second and begun again as several, unless other pieces take as
  long, as far as that is efficient: fewer runs at a time share the cost of NumPy's calls.
- The last pieces are divided so that all processes end at the same time.
- This process works on pieces as the others do, and gives them new ones whenever its own piece reports.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any

from nasbench_kit.experiments.pieces import LONG, Piece, State, Whole, parts_of_long, runs_to_take, seconds_of
from nasbench_kit.kernels import compiling, worker_pool
from nasbench_kit.kernels.shared_pickles import loads, pickled
from nasbench_kit.kernels.worker_pool import Interrupted, PoolWorker, Stopwatch, WorkerPool

__all__ = ["Lost", "spread"]

Progress = Callable[[float], None]

COLD, WARM = 1.5, 0.2  # seconds of work left for which workers are started, or used if they are there
TELL = 0.1  # seconds between calls of a user's function that is told of the progress, at least
STARTING = 1.0  # seconds until a worker that was just started is ready, about


class Lost(Exception):
    """A worker was killed.

    Attributes
    ----------
    search : int
        The position of the search that it worked on.
    results : list
        What was finished of it, in the order of the runs.
    """

    def __init__(self, search: int, results: list[Any]) -> None:
        super().__init__(search)
        self.search, self.results = search, results


def spread(
    run: Callable[..., Any],
    searches: Sequence[Whole],
    *,
    own_code: bool,
    progress: Sequence[Progress | None],
) -> Generator[tuple[list[Any], float]]:
    """Run searches; yields the results of a search's pieces in the order of the runs, and its seconds, search by search.

    Parameters
    ----------
    run : callable
        A module's function that runs a task and reports the share that is done: ``run(task, report)``.
    searches : sequence of Whole
    own_code : bool
        Whether code of the user's modules may run in other processes, and searches that are not on tables.
    progress : sequence of callable or None
        Called with the share of each search that is done.

    Raises
    ------
    Lost
    """
    count = min(search.workers for search in searches)
    with worker_pool.claimed_pool() as start:
        spreading = _Spreading(run, searches, count, start, own_code=own_code, progress=progress)
        for number in range(len(searches)):
            yield spreading.finished(number)


def _run_piece(job: tuple[Callable[..., Any], Any, bool], report: Progress) -> Any:
    """What a worker does with a piece."""
    run, task, loops = job
    if loops:
        compiling.enable()
    return run(task, report)


class _Spreading:
    """The state of all searches.

    Parameters
    ----------
    run, searches, own_code, progress
        As in `spread`.
    count : int
        The number of processes.
    start : callable
        Starts the pool, if there can be one.
    """

    def __init__(
        self,
        run: Callable[..., Any],
        searches: Sequence[Whole],
        count: int,
        start: Callable[[int, Sequence[str], bool], WorkerPool | None],
        *,
        own_code: bool,
        progress: Sequence[Progress | None],
    ) -> None:
        self.run, self.searches, self.progress = run, searches, progress
        self.count, self.start, self.own_code = count, start, own_code
        self.pool: WorkerPool | None = None
        self.given: dict[int, Piece] = {}
        self.here: Piece | None = None  # what this process works on
        self.jobs = 0
        self.broken: BaseException | None = None
        compiling.enable_for(sum(search.evaluations for search in searches))
        self.states = [State() for _ in searches]
        self.waiting: deque[Piece] = deque()
        for number, search in enumerate(searches):
            whole = Piece(number, search.first_run, search.runs)
            pieces = whole.divided(math.ceil(search.runs / search.together))
            self.waiting.extend(pieces)
            self.states[number].pieces = len(pieces)

    def finished(self, number: int) -> tuple[list[Any], float]:
        """Work until a search is finished; its pieces' results, and its duration."""
        state = self.states[number]
        while state.pieces:
            if state.error is not None:
                raise state.error
            if len(self.waiting) > 1:
                self._start_if_worthwhile()
            self._serve(0)
            staying = (piece for piece in self.waiting if self.pool is not None and self._stays(piece))
            here = itertools.chain(staying, self.waiting)
            if (piece := self._next(here)) is not None:
                self._work(piece)
            elif state.pieces:
                self._serve(None)
        return [result for _, (_, result) in sorted(state.results.items())], state.seconds

    # ---------------------------------------------------------------- in this process

    def _work(self, piece: Piece) -> None:
        watch = self._stopwatch(piece)

        def report(share: float) -> None:
            try:
                self._report(piece, share)
                self._estimate(piece, total := watch.total(share))
                if total < math.inf:
                    self._start_if_worthwhile(piece, total * (1 - share))
                self._serve(0)
                if self.pool is not None:
                    watch.interrupt_if_long(share)
            except BaseException as error:  # not of the search
                self.broken = error
                raise

        heard = self.count > 1 or self.progress[piece.search] is not None
        self.here = piece
        try:
            result = self.run(self._task(piece), report if heard else None)
        except Interrupted as early:
            self._divide(piece, *early.args)
        except Exception as error:
            if error is self.broken:
                raise
            self._fail(piece, error)
        else:
            self._finish(piece, result, watch.seconds)
        finally:
            self.here = None

    def _stopwatch(self, piece: Piece) -> Stopwatch:
        return Stopwatch(self._longest(piece), on_core=self.searches[piece.search].on_table)

    def _task(self, piece: Piece) -> Any:
        return self.searches[piece.search].piece(piece.first_run, piece.runs)

    # ---------------------------------------------------------------- in workers

    def _start_if_worthwhile(self, here: Piece | None = None, left: float = 0.0) -> None:
        """Start workers if what is left takes long; ``left`` are the seconds of the piece at work here."""
        if self.pool is not None or self.count == 1:
            return
        left += self._seconds_waiting(at_least=True)
        if left < (WARM if worker_pool.pool_is_warm() else COLD):
            return
        waiting = [*self.waiting, *([here] if here is not None and self._longest(here) < math.inf else [])]
        numbers = {piece.search for piece in waiting if not self._stays(piece)}
        if numbers:
            modules = [self.run.__module__, *(["numba"] if compiling.enabled() else [])]
            fresh = any(self.states[n].fresh for n in numbers)
            self.pool = self.start(self.count - 1, modules, fresh)
        if self.pool is None:
            self.count = 1

    def _stays(self, piece: Piece) -> bool:
        """Whether a piece cannot be sent to a worker; pickles what its search shares, once."""
        search, state = self.searches[piece.search], self.states[piece.search]
        if self.count == 1 or state.sent is not None or state.stays_here:
            return state.sent is None
        state.stays_here = True
        if not (self.own_code or search.on_table):
            return True
        try:
            parts = search.parts(search.shared)
            shared, own = pickled((search.shared, search.parts))
            own |= pickled(self._job(piece), parts)[1]
        except Exception:  # of a class of the user's, any
            return True
        if "__main__" in own or (own and not self.own_code):
            return True
        state.stays_here, state.fresh = False, bool(own)
        state.sent = hashlib.sha256(shared).digest(), shared, parts
        return False

    def _job(self, piece: Piece) -> tuple[Callable[..., Any], Any]:
        return _run_piece, (self.run, self._task(piece), compiling.enabled())

    def _serve(self, seconds: float | None) -> None:
        """Take what workers have to say, waiting for up to some seconds, and give them work."""
        if self.pool is None:
            return
        for worker, message in self.pool.news(seconds):
            if message is None:
                if worker.jobs:
                    search = self.given[worker.jobs[0]].search
                    raise Lost(search, [result for _, (_, result) in sorted(self.states[search].results.items())])
                continue
            kind, number, *rest = message
            if kind == "ready":
                continue
            piece = self.given[number]
            if kind == "share":
                share, total = rest
                self._report(piece, share)
                self._estimate(piece, total)
                continue
            del self.given[number]
            if kind == "done":
                seconds_taken, data = rest
                sent = self.states[piece.search].sent
                assert sent is not None
                self._finish(piece, loads(data, sent[2]), seconds_taken)
            elif kind == "long":
                self._divide(piece, *rest)
            elif kind == "unfit":
                state = self.states[piece.search]
                state.sent, state.stays_here = None, True
                self.waiting.appendleft(piece)
            else:
                self._fail(piece, *rest)
        for worker in self.pool.workers[: self.count - 1]:
            while worker.ready and self._give(worker):
                pass

    def _give(self, worker: PoolWorker) -> bool:
        """Give a worker a piece if it should have one; while there are many, a second one, so that it never waits."""
        if len(worker.jobs) >= (2 if len(self.waiting) >= 2 * self.count else 1):
            return False
        piece = self._next((piece for piece in self.waiting if not self._stays(piece)), worker)
        if piece is None:
            return False
        sent = self.states[piece.search].sent
        assert sent is not None
        key, shared, parts = sent
        self.jobs += 1
        self.given[self.jobs] = piece
        job, on_core = pickled(self._job(piece), parts)[0], self.searches[piece.search].on_table
        worker.give(self.jobs, key, shared, job, self._longest(piece, worker), on_core)
        return True

    # ---------------------------------------------------------------- pieces

    def _report(self, piece: Piece, share: float) -> None:
        state, search = self.states[piece.search], self.searches[piece.search]
        state.shares[piece.first_run] = share * piece.runs / search.runs
        done, tell = sum(state.shares.values()), self.progress[piece.search]
        now = time.perf_counter()
        # it may have been more, before a piece was begun again
        if tell is not None and done > state.reported and (now - state.told > TELL or not state.pieces):
            state.reported, state.told = done, now
            tell(min(done, 1.0))

    def _estimate(self, piece: Piece, seconds: float) -> None:
        """Note how long a piece will take, infinite if that is not known yet."""
        if seconds < math.inf:
            self.states[piece.search].seconds_per_run = seconds / piece.runs

    def _finish(self, piece: Piece, result: Any, seconds: float) -> None:
        state = self.states[piece.search]
        state.results[piece.first_run] = piece.runs, result
        self._estimate(piece, seconds)
        state.pieces -= 1
        self._report(piece, 1.0)
        state.seconds = time.perf_counter() - state.begun

    def _fail(self, piece: Piece, error: Exception) -> None:
        """Keep the error of a piece; as if searches were run one after the other, those before it go on."""
        state = self.states[piece.search]
        state.error = state.error or error
        self.waiting = deque(other for other in self.waiting if other.search < piece.search)

    def _longest(self, piece: Piece, worker: PoolWorker | None = None) -> float:
        """The seconds that a piece may take, in a worker or here, before it is divided instead; infinite if it is not to be."""
        if not piece.divisible or self._parts(piece, LONG) < 2:
            return math.inf
        others = self._seconds_waiting() + sum(self._busy(worker))
        return max(LONG, others / max(self.count - 1, 1))

    def _parts(self, piece: Piece, seconds: float) -> int:
        """How many pieces to make of one that takes some seconds."""
        parts = parts_of_long(self.searches[piece.search].rounds, seconds, self.count)
        return min(parts // self.states[piece.search].pieces, piece.runs)

    def _seconds_waiting(self, *, at_least: bool = False) -> float:
        """About how long all waiting pieces take; those of searches that have not begun as long as usual, or at least."""
        known = [
            state.seconds_per_run * search.runs
            for state, search in zip(self.states, self.searches, strict=True)
            if state.seconds_per_run is not None
        ]
        usual = sum(known) / max(len(known), 1)
        seconds = 0.0
        for piece in self.waiting:
            search, rate = self.searches[piece.search], self.states[piece.search].seconds_per_run
            if rate is None:
                rate = max(usual, seconds_of(search.evaluations, 0 if at_least else search.rounds)) / search.runs
            seconds += rate * piece.runs
        return seconds

    def _divide(self, piece: Piece, seconds: float) -> None:
        """Begin a piece again that would take some seconds, as several."""
        self._estimate(piece, seconds)
        if self.states[piece.search].error is None:
            self._replace(piece, piece.divided(max(self._parts(piece, seconds), 1), again=False))

    def _replace(self, piece: Piece, parts: list[Piece]) -> None:
        """Let the parts of a piece that has not begun, or is begun again, be the next."""
        self.waiting.extendleft(reversed(parts))
        state = self.states[piece.search]
        state.pieces += len(parts) - 1
        state.shares[piece.first_run] = 0.0

    def _next(self, pieces: Iterable[Piece], worker: PoolWorker | None = None) -> Piece | None:
        """Take the first of some waiting pieces, for a worker or this process, or a part of it if others wait otherwise."""
        piece = next(iter(pieces), None)
        if piece is None:
            return None
        self.waiting.remove(piece)
        state = self.states[piece.search]
        rate = state.seconds_per_run
        if self.pool is not None and state.sent is not None and rate is not None:
            busy, waiting = self._busy(worker), self._seconds_waiting()
            rounds = self.searches[piece.search].rounds
            runs = runs_to_take(piece.runs, rounds, rate * piece.runs, busy, waiting)
            if runs < piece.runs:
                self._replace(piece, piece.split(runs))
                piece = self.waiting.popleft()
        state.begun = state.begun or time.perf_counter()
        return piece

    def _busy(self, free: PoolWorker | None) -> list[float]:
        """In how many seconds the processes are free, but for a worker or this process, if it is None."""
        if self.pool is None:
            return []
        found = []
        for worker in self.pool.workers[: self.count - 1]:
            if worker is not free:
                jobs = [self.given[number] for number in worker.jobs]
                found.append(sum(map(self._left, jobs)) if worker.ready else STARTING)
        if free is not None:
            found.append(0.0 if self.here is None else self._left(self.here))
        return found

    def _left(self, piece: Piece) -> float:
        """About how many seconds of a piece that has begun are left."""
        state, search = self.states[piece.search], self.searches[piece.search]
        rate = state.seconds_per_run
        if rate is None:
            rate = seconds_of(search.evaluations, search.rounds) / search.runs
        return rate * (piece.runs - state.shares.get(piece.first_run, 0.0) * search.runs)
