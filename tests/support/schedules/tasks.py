"""Tasks that take turns in one thread, with a virtual clock; a list of choices says who is next.

`Tasks.threading` has the names of the standard library's `threading` that a fetch uses. Its threads
are greenlets: one continues until it waits, and nothing else runs meanwhile. So the same choices
give the same run.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from heapq import heappop, heappush
from itertools import count
from types import SimpleNamespace
from typing import Any

from greenlet import GreenletExit, getcurrent, greenlet

__all__ = ["NeverEnds", "TaskLocal", "Tasks"]

_MAX_STEPS = 40_000
_MAX_PASSED = 12
"""The task that waits longest is passed over at most so many times."""


class NeverEnds(Exception):
    """All tasks wait for each other, or they go on for ever."""


class _Task(greenlet):
    """A task.

    Attributes:
        turn: number of times that it began or ended to wait; a timer of an earlier turn is void.
    """

    turn = 0


class Tasks:
    """Tasks, and the clock by which they wait.

    Args:
        choices: the numbers that select the next task, used in turn; 0 is the one that is ready
            longest. The highest number is the timer that ends first, although others are ready.

    Attributes:
        now: the time in seconds.
        crashes: the errors that ended a task, except for the main one.
        on_interrupt: called in the main task after `interrupt`.
    """

    def __init__(self, choices: Sequence[int]) -> None:
        self.now = 0.0
        self.crashes: list[BaseException] = []
        self.on_interrupt: Callable[[], object] = lambda: None
        self._choices = tuple(choices) or (0,)
        self._decisions = self._steps = self._passed = self._interrupts = 0
        self._ready: list[tuple[_Task, bool]] = []
        self._timers: list[tuple[float, int, _Task, int]] = []
        self._numbers = count()
        self._all: list[_Task] = []
        self._closed = False
        self._hub = getcurrent()
        self._main: _Task | None = None

    def run(self, main: Callable[[], object]) -> None:
        """Run the main task to its end, and end all others then.

        Raises:
            NeverEnds: the tasks do not end.
        """
        self._main = self._start(main)
        try:
            while not self._main.dead:
                self._step()
        finally:
            self._closed = True
            for task in self._all:
                if not task.dead:
                    task.throw(GreenletExit)

    def spawn(self, work: Callable[[], object]) -> _Task:
        """A new task; its error is one of the `crashes`."""

        def run() -> None:
            try:
                work()
            except GreenletExit:
                pass
            except BaseException as error:  # as a thread ends  # noqa: BLE001
                self.crashes.append(error)

        return self._start(run)

    def sleep(self, seconds: float) -> None:
        """Wait for so many seconds."""
        self.wait(seconds)

    def clock(self) -> float:
        """The time in seconds."""
        return self.now

    def interrupt(self) -> None:
        """Call `on_interrupt` in the main task when it continues."""
        self._interrupts += 1

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until `wake`, at most so many seconds; False if they have passed."""
        if self._closed:
            raise GreenletExit
        task = self.current
        task.turn += 1
        if seconds is not None:
            heappush(
                self._timers, (self.now + max(seconds, 0), next(self._numbers), task, task.turn)
            )
        return self._switch()

    def wake(self, task: _Task) -> None:
        """Let a task continue that waits."""
        if not self._closed:
            task.turn += 1
            self._ready.append((task, True))

    def pause(self) -> None:
        """Let others continue first, if that is the choice."""
        if not self._closed and (self._ready or self._timers):
            self._ready.append((self.current, True))
            self._switch()

    @property
    def current(self) -> _Task:
        """The task that runs."""
        task = getcurrent()
        assert isinstance(task, _Task)
        return task

    @property
    def threading(self) -> SimpleNamespace:
        """The names of the module `threading`."""
        return SimpleNamespace(
            Thread=partial(_Thread, self),
            Lock=partial(_Lock, self),
            RLock=partial(_Lock, self, reentrant=True),
            Condition=partial(_Condition, self),
            Event=partial(_Event, self),
        )

    @property
    def executor(self) -> Callable[..., "_Executor"]:
        """In place of `concurrent.futures.ThreadPoolExecutor`."""
        return partial(_Executor, self)

    def _start(self, work: Callable[[], object]) -> _Task:
        task = _Task(work, parent=self._hub)
        self._all.append(task)
        self._ready.append((task, True))
        return task

    def _switch(self) -> bool:
        woken = bool(self._hub.switch())
        if self._interrupts and self.current is self._main:
            self._interrupts -= 1
            self.on_interrupt()
        return woken

    def _step(self) -> None:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise NeverEnds(f"{_MAX_STEPS} steps")
        while self._timers and self._timers[0][2].turn != self._timers[0][3]:
            heappop(self._timers)
        options = len(self._ready) + bool(self._timers)
        if not options:
            raise NeverEnds("all tasks wait")
        index = self._choose(options) if options > 1 else 0
        if index < len(self._ready):
            task, woken = self._ready.pop(index)
        else:
            moment, _, task, _ = heappop(self._timers)
            self.now, woken = max(self.now, moment), False
        task.switch(*(() if not task else (woken,)))

    def _choose(self, options: int) -> int:
        index = self._choices[self._decisions % len(self._choices)] % options
        self._decisions += 1
        self._passed = self._passed + 1 if index else 0
        if self._passed > _MAX_PASSED:
            index = self._passed = 0
        return index


class _Thread:
    def __init__(
        self,
        tasks: Tasks,
        *,
        target: Callable[..., object],
        name: str = "",
        args: Sequence[Any] = (),
        daemon: bool = False,
    ) -> None:
        self._tasks, self._work, self.name = tasks, partial(target, *args), name

    def start(self) -> None:
        self._tasks.spawn(self._work)


class _Lock:
    def __init__(self, tasks: Tasks, *, reentrant: bool = False) -> None:
        self._tasks, self._reentrant = tasks, reentrant
        self._owner: _Task | None = None
        self._depth = 0
        self._waiting: deque[_Task] = deque()

    def acquire(self) -> None:
        self._tasks.pause()
        self.take()

    def take(self) -> None:
        """Acquire it, and let no other task continue before that if it is free."""
        task = self._tasks.current
        while self._owner is not None and not (self._reentrant and self._owner is task):
            self._waiting.append(task)
            self._tasks.wait()
        self._owner = task
        self._depth += 1

    def release(self) -> None:
        self._depth -= 1
        if not self._depth:
            self._owner = None
            if self._waiting:
                self._tasks.wake(self._waiting.popleft())

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class _Condition(_Lock):
    def __init__(self, tasks: Tasks) -> None:
        super().__init__(tasks, reentrant=True)
        self._sleeping: list[_Task] = []

    def wait(self, timeout: float | None = None) -> bool:
        task, depth = self._tasks.current, self._depth
        assert self._owner is task, "wait() needs the lock"
        self._sleeping.append(task)
        self._depth = 1
        self.release()
        try:
            return self._tasks.wait(timeout)
        finally:
            if task in self._sleeping:
                self._sleeping.remove(task)
            self.take()
            self._depth = depth

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        end = None if timeout is None else self._tasks.now + timeout
        while not (result := predicate()):
            left = None if end is None else end - self._tasks.now
            if left is not None and left <= 0:
                break
            self.wait(left)
        return result

    def notify(self, n: int = 1) -> None:
        assert self._owner is self._tasks.current, "notify() needs the lock"
        woken, self._sleeping = self._sleeping[:n], self._sleeping[n:]
        for task in woken:
            self._tasks.wake(task)

    def notify_all(self) -> None:
        self.notify(len(self._sleeping))


class _Event:
    def __init__(self, tasks: Tasks) -> None:
        self._tasks, self._is_set = tasks, False
        self._waiting: list[_Task] = []

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        waiting, self._waiting = self._waiting, []
        for task in waiting:
            self._tasks.wake(task)

    def wait(self, timeout: float | None = None) -> bool:
        if not self._is_set:
            self._waiting.append(self._tasks.current)
            self._tasks.wait(timeout)
            if self._tasks.current in self._waiting:
                self._waiting.remove(self._tasks.current)
        return self._is_set


class _Executor:
    """Runs functions in at most so many tasks."""

    def __init__(self, tasks: Tasks, max_workers: int) -> None:
        self._tasks, self._free = tasks, max_workers
        self._queue: deque[Callable[[], None]] = deque()

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        listed = list(items)
        jobs = [(_Event(self._tasks), list[Any]()) for _ in listed]

        def work(item: Any, done: _Event, result: list[Any]) -> None:
            try:
                result += [function(item), None]
            except BaseException as error:  # raised where the result is read  # noqa: BLE001
                result += [None, error]
            done.set()

        for item, (done, result) in zip(listed, jobs, strict=True):
            self._queue.append(partial(work, item, done, result))
        while self._free and self._queue:
            self._free -= 1
            self._tasks.spawn(partial(self._drain, self._queue.popleft()))
        return self._results(jobs)

    @staticmethod
    def _results(jobs: Sequence[tuple[_Event, list[Any]]]) -> Iterator[Any]:
        for done, result in jobs:
            done.wait()
            if result[1]:
                raise result[1]
            yield result[0]

    def _drain(self, job: Callable[[], None]) -> None:
        job()
        while self._queue:
            self._queue.popleft()()
        self._free += 1

    def __enter__(self) -> "_Executor":
        return self

    def __exit__(self, *_: object) -> None:
        while self._queue:  # its results were not read to the end
            self._tasks.sleep(0.01)


class TaskLocal:
    """In place of `threading.local`: each task has its own attributes."""

    def __getattribute__(self, name: str) -> Any:
        try:
            return vars(getcurrent())["local"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        vars(getcurrent()).setdefault("local", {})[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del vars(getcurrent())["local"][name]
        except KeyError:
            raise AttributeError(name) from None
