"""Processes that work on the portions and buckets of a run side by side. They are started once, and end with the one that did."""

import logging
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread
from typing import Protocol

from bonefhir import log, memory, starting
from bonefhir.errors import LostProcessError
from bonefhir.run import Run, load_run

_LOG = logging.getLogger(__name__)

WORTH_A_POOL = 64 << 20
"""Bytes on disk from which on processes are started: less is done sooner here."""

Work = Callable[[Run, int], None]

_EVEN = "even"


class Each(Protocol):
    """Does the work for each number, and yields the numbers as they are done.

    meanwhile: what this process can do while others work
    """

    def __call__(self, work: Work, numbers: Sequence[int], meanwhile: Callable[[], None] | None = None, /) -> Iterator[int]: ...


def even(work: Work) -> Work:
    """Marks work that needs about as much memory for each number: what is free stays for the next one, as to take it back from
    the system costs a tenth of the scan.
    """
    setattr(work, _EVEN, True)
    return work


@contextmanager
def workers(run: Run) -> Iterator[Each]:
    """In as many processes as the run may have, where there is enough to do, else one after the other here."""
    if run.jobs <= 1 or sum(file.size or 0 for file in run.files) < WORTH_A_POOL:
        yield alone(run)
        return
    cores = os.cpu_count() or 1
    if run.jobs < cores and not run.settings.jobs:
        _LOG.info("%d processes on %d cores: --memory has no room for more; --jobs sets their number", run.jobs, cores)
    context = get_context(_way())
    end, hold = context.Pipe(duplex=False)
    with end, hold, ProcessPoolExecutor(run.jobs, mp_context=context, initializer=_begin, initargs=(end, hold)) as pool:
        try:
            yield lambda work, numbers, meanwhile=None: _side_by_side(pool, run, work, numbers, meanwhile)
        except BaseException:
            if not run.settings.parts:  # what is on its way to a store, and has not come, could not be removed there
                hold.close()  # whoever ends a run does not wait for what is done for nothing
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def alone(run: Run) -> Each:
    """One after the other, in this process."""
    return lambda work, numbers, meanwhile=None: _one_by_one(run, work, numbers, meanwhile)


def _one_by_one(run: Run, work: Work, numbers: Sequence[int], meanwhile: Callable[[], None] | None) -> Iterator[int]:
    for number in numbers:
        _do(work, run, number, number == numbers[-1])
        yield number
    if meanwhile:
        meanwhile()


def _side_by_side(
    pool: ProcessPoolExecutor, run: Run, work: Work, numbers: Sequence[int], meanwhile: Callable[[], None] | None
) -> Iterator[int]:
    last = numbers[-run.jobs :]
    try:
        waiting = {pool.submit(_in_a_process, work, str(run.parts), number, number in last): number for number in numbers}
        if meanwhile:
            meanwhile()
        for future in as_completed(waiting):
            future.result()
            yield waiting[future]
    except BrokenProcessPool:
        raise LostProcessError(
            "a process of the run was ended from outside, by a system without memory perhaps; "
            "run it again, with a smaller --memory or --jobs if it happens again"
        ) from None


def _in_a_process(work: Work, folder: str, number: int, last: bool) -> None:
    _do(work, load_run(folder), number, last)


def _do(work: Work, run: Run, number: int, last: bool) -> None:
    """last: none comes after it, probably, in this process."""
    work(run, number)
    if last or not getattr(work, _EVEN, False):
        memory.release()


def _way() -> str:
    """A copy of this process has imported everything, and shares its memory. Where there are threads it may wait for a lock that
    none of its own holds: then a process starts from nothing, which takes a second.
    """
    return "fork" if starting.threads() == 1 else "spawn"


def _begin(end: Connection, hold: Connection) -> None:
    """end: of a pipe of which the first process holds the other end, as long as it lives and wants anything."""
    hold.close()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where it is ignored, as in the background
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # the first says that it was interrupted: no traceback of each beside it
    Thread(target=_end_with_the_first, args=(end,), daemon=True).start()
    log.set_up()
    memory.from_the_system()


def _end_with_the_first(end: Connection) -> None:
    """It may be killed, and then nothing else tells the others: they would wait for work for ever."""
    end.poll(None)
    os._exit(1)
