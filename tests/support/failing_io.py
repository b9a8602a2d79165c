"""Runs an action in a child process, in which one file operation fails or is the last one.

The kernel hands each file operation of the child, of all its threads, to this process (seccomp
user notification, Linux 5.5), which lets it pass, lets it fail, or kills the child. Operations
under a folder are numbered; those elsewhere pass. The child is a fork, so it starts in a
millisecond. The process must not have used Polars before, whose threads do not survive a fork.
"""

import ctypes
import errno
import fcntl
import os
import platform
import select
import signal
import socket
import struct
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, NoReturn

__all__ = ["Fault", "FaultKind", "Operation", "Run", "run_watched"]


class FaultKind(StrEnum):
    """What happens at an operation."""

    EIO = "EIO"
    ENOSPC = "ENOSPC"
    KILL = "kill"
    TORN_WRITE = "torn write"
    """Half of the bytes are written, then the process is killed."""


class Fault(NamedTuple):
    """A fault at the operation with this number; the first one has the number 0."""

    number: int
    kind: FaultKind


class Operation(NamedTuple):
    """A file operation: its name, and the path of what it creates, writes or removes."""

    name: str
    path: str


@dataclass(frozen=True)
class Run:
    """What a child process did.

    Attributes:
        operations: its file operations under the folder, in their order.
        killed: whether it was killed.
        result: what the action returned; None if it raised an error.
        error: the name of the class of its error, and the message.
    """

    operations: Sequence[Operation]
    killed: bool
    result: str | None
    error: tuple[str, str] | None


class _Call(NamedTuple):
    """A system call: its operation, and where its arguments have the file.

    A path has the index of its folder's descriptor, or -1; a descriptor has no index of a path.
    """

    operation: str
    descriptor: int
    path: int | None = None
    flags: int | None = None


_CALLS: Mapping[str, _Call] = {
    "openat": _Call("open", 0, 1, flags=2),
    "mkdirat": _Call("mkdir", 0, 1),
    "unlinkat": _Call("unlink", 0, 1),
    "linkat": _Call("link", 2, 3),
    "renameat": _Call("rename", 2, 3),
    "renameat2": _Call("rename", 2, 3),
    "symlinkat": _Call("link", 1, 2),
    "fchmodat": _Call("chmod", 0, 1),
    "fchmodat2": _Call("chmod", 0, 1),
    "write": _Call("write", 0),
    "pwrite64": _Call("write", 0),
    "writev": _Call("write", 0),
    "pwritev": _Call("write", 0),
    "copy_file_range": _Call("write", 2),
    "sendfile": _Call("write", 0),
    "ftruncate": _Call("write", 0),
    "fsync": _Call("fsync", 0),
    "fdatasync": _Call("fsync", 0),
    "fchmod": _Call("chmod", 0),
    "open": _Call("open", -1, 0, flags=1),
    "creat": _Call("open", -1, 0),
    "mkdir": _Call("mkdir", -1, 0),
    "rmdir": _Call("unlink", -1, 0),
    "unlink": _Call("unlink", -1, 0),
    "link": _Call("link", -1, 1),
    "rename": _Call("rename", -1, 1),
    "symlink": _Call("link", -1, 1),
    "chmod": _Call("chmod", -1, 0),
}
_NUMBERS = {
    "x86_64": "seccomp 317 open 2 creat 85 mkdir 83 rmdir 84 unlink 87 link 86 rename 82 "
    "symlink 88 chmod 90 openat 257 mkdirat 258 unlinkat 263 linkat 265 renameat 264 "
    "renameat2 316 symlinkat 266 fchmodat 268 fchmodat2 452 write 1 pwrite64 18 writev 20 "
    "pwritev 296 copy_file_range 326 sendfile 40 ftruncate 77 fsync 74 fdatasync 75 fchmod 91",
    "aarch64": "seccomp 277 openat 56 mkdirat 34 unlinkat 35 linkat 37 renameat 38 renameat2 276 "
    "symlinkat 36 fchmodat 53 fchmodat2 452 write 64 pwrite64 68 writev 66 pwritev 70 "
    "copy_file_range 285 sendfile 71 ftruncate 46 fsync 82 fdatasync 83 fchmod 52",
}
"""The names and numbers of system calls by machine."""

_WORDS = _NUMBERS.get(platform.machine(), "seccomp -1").split()
_NAMES = {int(number): name for name, number in zip(_WORDS[::2], _WORDS[1::2], strict=True)}
_SECCOMP = next(number for number, name in _NAMES.items() if name == "seccomp")
del _NAMES[_SECCOMP]
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_NO_NEW_PRIVILEGES, _SET_FILTER, _NEW_LISTENER = 38, 1, 8
_ALLOW, _NOTIFY = 0x7FFF0000, 0x7FC00000
_CONTINUE = 1
_MAX_PATH = 4_096


def run_watched(
    action: Callable[[], object],
    folder: Path,
    fault: Fault | None = None,
    *,
    missing: Collection[str] = (),
) -> Run:
    """Run the action in a fork of this process, with a fault at one operation under the folder.

    Args:
        action: the action.
        folder: the folder.
        fault: the fault; by default no operation fails.
        missing: names of system calls that the system lacks (ENOSYS).

    Raises:
        OSError: the kernel does not hand over the operations of a child.
    """
    ours, theirs = socket.socketpair()
    receiver, sender = os.pipe()
    process = os.fork()
    if process == 0:
        ours.close()
        os.close(receiver)
        _run_child(action, theirs, sender)
    theirs.close()
    os.close(sender)
    with ours, os.fdopen(receiver, "rb") as output:
        message, descriptors, _, _ = socket.recv_fds(ours, 200, 1)
        if not descriptors:
            os.waitpid(process, 0)
            raise OSError(f"The kernel does not watch system calls: {message.decode()}")
        try:
            operations = _watch(descriptors[0], process, os.path.realpath(folder), fault, missing)
        finally:
            os.close(descriptors[0])
        words = output.read().decode().split("\0")
    _, status = os.waitpid(process, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if not killed and (os.waitstatus_to_exitcode(status) or len(words) != 3):
        raise AssertionError(f"The child ended with status {status}: {words}")
    if killed:
        return Run(operations, killed, None, None)
    kind, *rest = words
    return Run(
        operations,
        killed,
        rest[0] if kind == "result" else None,
        (rest[0], rest[1]) if kind == "error" else None,
    )


def _run_child(action: Callable[[], object], channel: socket.socket, output: int) -> NoReturn:
    """Run the action under watch, and end the process."""
    try:
        listener = _install_filter()
        socket.send_fds(channel, [b"watched"], [listener])
        os.close(listener)
    except OSError as error:
        channel.send(str(error).encode())
        os._exit(0)
    channel.close()
    words = ("error", "", "")
    try:
        words = ("result", str(action()), "")
    except BaseException as error:  # noqa: BLE001
        text = "".join(traceback.format_exception(error))
        is_ours = type(error).__module__.startswith("etelecom_analytics.")
        words = ("error", type(error).__name__, str(error) if is_ours else text)
    with os.fdopen(output, "wb") as file:
        file.write("\0".join(text.replace("\0", "") for text in words).encode())
    os._exit(0)


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("jump_true", ctypes.c_ubyte),
        ("jump_false", ctypes.c_ubyte),
        ("value", ctypes.c_uint),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.POINTER(_Instruction)))


def _install_filter() -> int:
    """Hand the file operations of this thread, and of threads that it starts, to a listener."""
    count = len(_NAMES)
    jumps = [
        _Instruction(0x15, count - index, 0, number) for index, number in enumerate(sorted(_NAMES))
    ]
    code = [_Instruction(0x20, 0, 0, 0), *jumps]  # load the number of the call; compare
    code += [_Instruction(0x06, 0, 0, _ALLOW), _Instruction(0x06, 0, 0, _NOTIFY)]
    program = _Program(len(code), (_Instruction * len(code))(*code))
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    listener: int = library.syscall(_SECCOMP, _SET_FILTER, _NEW_LISTENER, ctypes.byref(program))
    if listener < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return listener


def _watch(
    listener: int, process: int, folder: str, fault: Fault | None, missing: Collection[str]
) -> list[Operation]:
    """Answer for each operation until the child has ended, and return those under the folder."""
    operations: list[Operation] = []
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while True:
        if any(event & select.POLLHUP for _, event in poll.poll()):
            return operations
        request = bytearray(80)
        try:
            fcntl.ioctl(listener, _RECEIVE, request)
        except FileNotFoundError:  # the thread was killed
            continue
        identity, thread, _, number = struct.unpack_from("QIIi", request)
        arguments = struct.unpack_from("6Q", request, 32)
        operation = _operation(thread, _CALLS[_NAMES[number]], arguments)
        failure = errno.ENOSYS if _NAMES[number] in missing else 0
        if (
            operation
            and not failure
            and (operation.path == folder or operation.path.startswith(folder + "/"))
        ):
            is_hit = fault is not None and fault.number == len(operations)
            operations.append(operation)
            if is_hit and fault and fault.kind in (FaultKind.KILL, FaultKind.TORN_WRITE):
                if fault.kind is FaultKind.TORN_WRITE:
                    _write_half(thread, arguments)
                os.kill(process, signal.SIGKILL)
                continue
            if is_hit and fault:
                failure = getattr(errno, fault.kind)
        answer = struct.pack("QqiI", identity, 0, -failure, 0 if failure else _CONTINUE)
        try:
            fcntl.ioctl(listener, _SEND, bytearray(answer))
        except FileNotFoundError:
            continue


def _operation(thread: int, call: _Call, arguments: Sequence[int]) -> Operation | None:
    """The file operation of a system call; None for opening a file to read it."""
    if call.flags is not None and not arguments[call.flags] & _WRITING:
        return None
    try:
        if call.path is None:
            descriptor = arguments[call.descriptor]
            return Operation(
                call.operation, str(Path(f"/proc/{thread}/fd/{descriptor}").readlink())
            )
        path = _text(thread, arguments[call.path])
        if not path.startswith("/"):
            # A negative descriptor stands for the working folder.
            folder = ctypes.c_int(arguments[call.descriptor] if call.descriptor >= 0 else -1).value
            base = "cwd" if folder < 0 else f"fd/{folder}"
            path = str(Path(f"/proc/{thread}/{base}").readlink() / path)
    except OSError:  # the thread was killed
        return None
    return Operation(call.operation, os.path.normpath(path))


def _text(thread: int, address: int) -> str:
    with Path(f"/proc/{thread}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        return os.fsdecode((memory.read(_MAX_PATH) or b"").split(b"\0")[0])


def _write_half(thread: int, arguments: Sequence[int]) -> None:
    """Write the first half of what a `write` would write, in place of the child."""
    with Path(f"/proc/{thread}/mem").open("rb", buffering=0) as memory:
        memory.seek(arguments[1])
        content = memory.read(arguments[2] // 2) or b""
    with Path(f"/proc/{thread}/fd/{arguments[0]}").readlink().open("ab") as file:
        file.write(content)
