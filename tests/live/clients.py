"""Real clients of each protocol, which note every row they are sent, by column name."""

import json
import os
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facekit.live.record import EVENT_COLUMNS, StreamLayout

Values = dict[str, Any]
PROBE = 999
"""Track of the rows that only try whether anybody listens."""


class Client(ABC):
    """Receives on a thread of its own between `start` and `stop`, which may be repeated."""

    def __init__(self, layout: StreamLayout) -> None:
        self.layout = layout
        self.heard: list[Values] = []
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    @abstractmethod
    def target(self) -> str: ...

    @abstractmethod
    def receive(self) -> None:
        """Until `_stopping` is set."""

    @property
    def rows(self) -> list[Values]:
        return [row for row in list(self.heard) if "frame" in row and row["track"] != PROBE]

    @property
    def events(self) -> list[Values]:
        return [row for row in list(self.heard) if "kind" in row]

    def start(self) -> None:
        self._stopping.clear()
        self._thread = threading.Thread(target=self.receive, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(10)

    def wait(self, count: int, seconds: float = 60) -> list[Values]:
        """The rows, once there are `count` of them."""
        end = time.monotonic() + seconds
        while len(self.rows) < count and time.monotonic() < end:
            time.sleep(0.02)
        return self.rows


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class UdpClient(Client):
    """A UDP socket."""

    def __init__(self, layout: StreamLayout) -> None:
        super().__init__(layout)
        self._port = free_port(socket.SOCK_DGRAM)

    @property
    def target(self) -> str:
        return f"udp://127.0.0.1:{self._port}"

    def receive(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            receiver.bind(("127.0.0.1", self._port))
            receiver.settimeout(0.05)
            while not self._stopping.is_set():
                try:
                    self.heard.append(json.loads(receiver.recv(1 << 16)))
                except TimeoutError:
                    continue


class OscClient(Client):
    """python-osc's server."""

    def __init__(self, layout: StreamLayout) -> None:
        pytest.importorskip("pythonosc", reason="python-osc is not installed")
        super().__init__(layout)
        self._port = free_port(socket.SOCK_DGRAM)
        self._groups = list(dict.fromkeys(column.group for column in layout.columns))

    @property
    def target(self) -> str:
        return f"osc://127.0.0.1:{self._port}"

    def receive(self) -> None:
        from pythonosc.dispatcher import Dispatcher
        from pythonosc.osc_server import BlockingOSCUDPServer

        dispatcher = Dispatcher()
        dispatcher.set_default_handler(self._take)
        with BlockingOSCUDPServer(("127.0.0.1", self._port), dispatcher) as server:
            server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            server.timeout = 0.05
            while not self._stopping.is_set():
                server.handle_request()

    def _take(self, address: str, *arguments: Any) -> None:
        _, facekit, track, group = address.split("/")
        assert facekit == "facekit"
        if group == "event":
            names = [column.name for column in EVENT_COLUMNS]
            self.heard.append(dict(zip(names, arguments, strict=True)))
            return
        if group == self._groups[0]:
            self._half: Values = {}
        names = [column.name for column in self.layout.columns if column.group == group]
        self._half |= dict(zip(names, arguments, strict=True))
        if group == self._groups[-1]:
            assert track == str(self._half["track"]).lower()
            self.heard.append(self._half)


class ZmqClient(Client):
    """A SUB socket."""

    def __init__(self, layout: StreamLayout) -> None:
        pytest.importorskip("zmq", reason="pyzmq is not installed")
        super().__init__(layout)
        self._port = free_port(socket.SOCK_STREAM)

    @property
    def target(self) -> str:
        return f"zmq://127.0.0.1:{self._port}"

    def receive(self) -> None:
        import zmq

        with zmq.Context() as context, context.socket(zmq.SUB) as receiver:
            receiver.subscribe(b"")
            receiver.connect(f"tcp://127.0.0.1:{self._port}")
            while not self._stopping.is_set():
                if receiver.poll(50):
                    topic, line = receiver.recv_multipart()
                    row = json.loads(line)
                    track = "none" if row["track"] is None else row["track"]
                    kind = "track" if "frame" in row else "event"
                    assert topic.decode() == f"{kind}/{track}/"
                    self.heard.append(row)


class LslClient(Client):
    """An inlet of pylsl."""

    def __init__(self, layout: StreamLayout) -> None:
        try:
            import pylsl
        except (ImportError, RuntimeError) as error:
            pytest.skip(f"pylsl is not installed, or has no liblsl: {error}")
        super().__init__(layout)
        self._pylsl, self._name = pylsl, f"facekit test {os.getpid()} {id(self)}"
        self.info: Any = None
        self.stamps: list[float] = []

    @property
    def target(self) -> str:
        return f"lsl:{self._name}"

    def receive(self) -> None:
        found = self._pylsl.resolve_byprop("name", self._name, timeout=30)
        assert found, "LSL does not find the stream"
        inlet = self._pylsl.StreamInlet(found[0])
        inlet.open_stream(timeout=30)
        self.info = inlet.info(timeout=30)
        labels = self.info.get_channel_labels()
        events = self._open_events() if self.layout.has_events else None
        while not self._stopping.is_set():
            if events is not None:
                lines, _ = events.pull_sample(timeout=0.0)
                self.heard += [json.loads(line) for line in lines or ()]
            sample, stamp = inlet.pull_sample(timeout=0.05)
            if sample is not None:
                row = dict(zip(labels, sample, strict=True))
                self.heard.append(row)
                if row["track"] != PROBE:
                    self.stamps.append(stamp)
        inlet.close_stream()

    def _open_events(self) -> Any:
        found = self._pylsl.resolve_byprop("name", f"{self._name} events", timeout=30)
        assert found and found[0].type() == "Markers"
        inlet = self._pylsl.StreamInlet(found[0])
        inlet.open_stream(timeout=30)
        return inlet


class PipeClient(Client):
    """A reader of lines, from a named pipe; stopped, it stays and does not read."""

    def __init__(self, layout: StreamLayout, folder: Path) -> None:
        super().__init__(layout)
        self._path = folder / "pipe"
        os.mkfifo(self._path)
        self._file, self._rest = -1, b""

    @property
    def target(self) -> str:
        return f"jsonl:{self._path}"

    def receive(self) -> None:
        if self._file < 0:
            self._file = os.open(self._path, os.O_RDONLY)
            os.set_blocking(self._file, False)
        while not self._stopping.is_set():
            try:
                self._rest += os.read(self._file, 1 << 16)
            except BlockingIOError:
                time.sleep(0.01)
            *lines, self._rest = self._rest.split(b"\n")
            self.heard += [json.loads(line) for line in lines]


MAKERS: dict[str, Callable[[StreamLayout, Path], Client]] = {
    "jsonl": PipeClient,
    "udp": lambda layout, folder: UdpClient(layout),
    "osc": lambda layout, folder: OscClient(layout),
    "zmq": lambda layout, folder: ZmqClient(layout),
    "lsl": lambda layout, folder: LslClient(layout),
}
