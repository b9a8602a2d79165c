"""A Spark session without a JVM: Sail, which speaks Spark Connect."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

__all__ = ["sail_session"]


@contextmanager
def sail_session() -> Iterator[Any]:
    """A session on a server that ends with it."""
    import pyspark
    from pysail.spark import SparkConnectServer
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as environment:
        # Without it, pyspark looks for a Spark with a JVM, and ends the process.
        environment.setenv("SPARK_HOME", str(Path(pyspark.__file__).parent))
        server = SparkConnectServer(ip="127.0.0.1", port=0)
        server.start(background=True)
        try:
            host, port = server.listening_address
            session = SparkSession.builder.remote(f"sc://{host}:{port}").getOrCreate()
            try:
                yield session
            finally:
                session.stop()
        finally:
            server.stop()
