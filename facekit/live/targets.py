"""Where streams go, as ``--stream`` names it."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from facekit.errors import MissingExtraError, OptionsError
from facekit.live.record import Sink, StreamLayout
from facekit.live.stream import Stream

FORMS = "jsonl:-, jsonl:PATH, udp://HOST:PORT, osc://HOST:PORT, zmq://HOST:PORT, lsl:NAME"
_PROTOCOLS = ("udp", "osc", "zmq")


@dataclass(frozen=True, slots=True)
class Target:
    """A place to send records to.

    Attributes:
        text: as the user named it.
        kind: jsonl, udp, osc, zmq or lsl.
        name: path of jsonl, host of udp, osc and zmq, name of lsl.
        port: of udp, osc and zmq.
    """

    text: str
    kind: str
    name: str
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> "Target":
        """The target that `text` names.

        Raises:
            OptionsError: it names none.
        """
        kind, colon, rest = text.partition(":")
        if kind in ("jsonl", "lsl") and rest:
            return cls(text, kind, rest)
        host, second, port = rest.removeprefix("//").rpartition(":")
        number = int(port) if port.isascii() and port.isdigit() else 0
        known = kind in _PROTOCOLS and colon and second and rest.startswith("//")
        if not (known and host and 0 < number < 65536):
            raise OptionsError(
                f"{text!r} is not a target", where="stream", advice=f"Targets are {FORMS}"
            )
        return cls(text, kind, host.removeprefix("[").removesuffix("]"), number)

    def open(self, layout: StreamLayout) -> Sink:
        """A sink for it.

        Raises:
            OutputError: it cannot be opened.
            MissingExtraError: the package it needs is not installed.
        """
        # Each is imported only where it is asked for: their packages are optional.
        try:
            if self.kind == "lsl":
                from facekit.live.lsl import Lsl

                return Lsl(self.name, layout)
            if self.kind == "osc":
                from facekit.live.osc import Osc

                return Osc(self.text, self.name, self.port, layout)
            if self.kind == "zmq":
                from facekit.live.zeromq import ZeroMq

                return ZeroMq(self.text, self.name, self.port, layout)
        except (ImportError, RuntimeError) as error:  # pylsl without liblsl: RuntimeError
            raise MissingExtraError(
                f"a package it needs cannot be imported ({error})",
                where=self.text,
                advice="pip install 'facekit[live]'",
            ) from error
        if self.kind == "udp":
            from facekit.live.udp import Udp

            return Udp(self.text, self.name, self.port, layout)
        from facekit.live.json_lines import JsonLines

        return JsonLines(self.name, layout)


def parse_all(texts: Sequence[str]) -> tuple[Target, ...]:
    """The targets that `texts` name.

    Raises:
        OptionsError: one names none, or two are the same.
    """
    targets = tuple(Target.parse(text) for text in texts)
    twice = [target.text for target in targets if targets.count(target) > 1]
    if twice:
        raise OptionsError("is named twice", where=f"stream {twice[0]}", advice="Name it once")
    return targets


def open_all(targets: Sequence[Target], layout: StreamLayout) -> list[Stream]:
    """A stream to each of `targets`; when one cannot be opened, none is.

    Raises:
        OutputError: one cannot be opened.
        MissingExtraError: a package is not installed.
    """
    with ExitStack() as stack:
        sinks = []
        for target in targets:
            sinks.append((target.text, target.open(layout)))
            stack.callback(sinks[-1][1].close)
        stack.pop_all()
    return [Stream(text, sink) for text, sink in sinks]
