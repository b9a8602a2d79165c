"""Executors: where the days of an archive are computed.

Each has a method `map`. A worker needs this package, and must be able to read the folder of the
archive under the same path. For an archive in an object store, `storage_options`, with any
credentials in them, are sent to the workers.
"""

import multiprocessing
import os
import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from typing import Any, TypeVar

from ..errors import InputError
from ..phone_numbers import describe
from ..system_calls import limit_threads

__all__ = ["DaskExecutor", "ProcessExecutor", "RayExecutor", "SparkExecutor"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class ProcessExecutor:
    """Processes on this machine.

    A script that uses it needs `if __name__ == "__main__":`, because each process is started anew
    (spawn) and imports the script.

    Args:
        workers: the number of processes; by default the number of cores.

    Raises:
        InputError: `workers` is no whole number of at least 1.

    Examples:
        >>> et.archive.ProcessExecutor(4)
        ProcessExecutor(4)
    """

    def __init__(self, workers: int | None = None) -> None:
        workers = os.cpu_count() or 1 if workers is None else workers
        if not isinstance(workers, int) or isinstance(workers, bool) or workers < 1:
            raise InputError(f"workers is a whole number of at least 1; got {describe(workers)}.")
        self.workers = workers

    def map(
        self, function: Callable[[_Item], _Result], items: Iterable[_Item]
    ) -> Iterator[_Result]:
        """The results of the function for these items, in order.

        Items are handed out as results are taken, so that few of both are in memory.
        """
        threads = max(1, (os.cpu_count() or 1) // self.workers)
        running: deque[Future[_Result]] = deque()
        with ProcessPoolExecutor(
            self.workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=limit_threads,
            initargs=(threads,),
        ) as pool:
            try:
                for item in items:
                    running.append(pool.submit(function, item))
                    if len(running) > 2 * self.workers:
                        yield running.popleft().result()
                while running:
                    yield running.popleft().result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def __repr__(self) -> str:
        return f"ProcessExecutor({self.workers})"


class DaskExecutor:
    """A Dask cluster.

    Args:
        client: a `distributed.Client`.

    Examples:
        >>> client = distributed.Client("tcp://10.0.0.5:8786")  # doctest: +SKIP
        >>> archive.summarize("day", executor=et.archive.DaskExecutor(client))  # doctest: +SKIP
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def map(
        self, function: Callable[[_Item], _Result], items: Iterable[_Item]
    ) -> Iterator[_Result]:
        """The results of the function for these items, in order."""
        futures = self._client.map(function, list(items), pure=False)
        try:
            while futures:
                yield futures.pop(0).result()
        finally:
            self._client.cancel(futures)


class RayExecutor:
    """A Ray cluster, to which `ray.init()` has connected this process.

    Examples:
        >>> archive.summarize("day", executor=et.archive.RayExecutor())  # doctest: +SKIP
    """

    def map(
        self, function: Callable[[_Item], _Result], items: Iterable[_Item]
    ) -> Iterator[_Result]:
        """The results of the function for these items, in order."""
        import ray

        remote = ray.remote(function)
        references = [remote.remote(item) for item in items]
        while references:
            yield ray.get(references.pop(0))


class SparkExecutor:
    """A Spark cluster, through Spark Connect; Sail is one that runs in this process.

    Args:
        session: a `pyspark.sql.SparkSession`.

    Examples:
        >>> session = SparkSession.builder.remote("sc://10.0.0.5").getOrCreate()  # doctest: +SKIP
        >>> archive.summarize("day", executor=et.archive.SparkExecutor(session))  # doctest: +SKIP
    """

    def __init__(self, session: Any) -> None:
        self._session = session

    def map(
        self, function: Callable[[_Item], _Result], items: Iterable[_Item]
    ) -> Iterator[_Result]:
        """The results of the function for these items, in any order."""
        rows = [(bytearray(pickle.dumps(item)),) for item in items]
        if not rows:
            return
        tasks = self._session.createDataFrame(rows, "data binary").repartition(len(rows))
        results = tasks.mapInArrow(partial(_apply_to_batches, function), "data binary")
        for row in results.toLocalIterator():
            yield pickle.loads(row.data)  # noqa: S301  # made by our own function


def _apply_to_batches(function: Callable[[Any], Any], batches: Iterable[Any]) -> Iterator[Any]:
    """The pickled results of the pickled items in Arrow batches, as Arrow batches."""
    import pyarrow

    for batch in batches:
        for item in batch.column(0).to_pylist():
            result = function(pickle.loads(item))  # noqa: S301  # made by `SparkExecutor.map`
            yield pyarrow.RecordBatch.from_arrays(
                [pyarrow.array([pickle.dumps(result)], pyarrow.binary())], ["data"]
            )
