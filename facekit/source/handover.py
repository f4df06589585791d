"""Hands the items of a generator that runs on its own thread to the thread that asks for them."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")

# On some systems a lock without a timeout cannot be interrupted by Ctrl-C.
_WAIT_S = 0.2
_JOIN_S = 2.0


class StalledError(TimeoutError):
    """The producing thread lives, but gave nothing for too long."""


class Background(Generic[Item]):
    """Runs a generator on a daemon thread and yields its items on the caller's.

    Memory is bounded: at most `capacity` items wait. With `newest_only` a full store forgets its
    oldest item and counts it as dropped; otherwise the producer waits for room. An exception in
    the generator is raised again where the items are taken, after the items made before it. The
    generator is closed on its own thread, so that what it holds is freed by its only user.

    Attributes:
        dropped: items that were replaced by newer ones before anyone took them.
    """

    def __init__(
        self,
        make_items: Callable[[threading.Event], Generator[Item, None, None]],
        *,
        capacity: int,
        name: str,
        newest_only: bool = False,
    ) -> None:
        """Prepare; the thread starts with the first item asked for.

        Args:
            make_items: gives the generator; the event is set when no more items are wanted, for
                generators that wait.
            capacity: most items that wait.
            name: of the thread.
            newest_only: forget the oldest item rather than wait for room.
        """
        self.dropped = 0
        self._stopping = threading.Event()
        self._items = make_items(self._stopping)
        self._capacity = capacity
        self._newest_only = newest_only
        self._store: deque[Item] = deque()
        self._changed = threading.Condition()
        self._finished = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._started = False

    def take_all(self, stall_s: float | None = None) -> Iterator[Item]:
        """Yield every item until the generator ends; leaving early stops the thread.

        Args:
            stall_s: longest time without an item.

        Raises:
            RuntimeError: stopped before it began.
            StalledError: nothing came for `stall_s` seconds.
        """
        with self._changed:
            if self._started:
                raise RuntimeError("the source is closed")
            self._started = True
            self._thread.start()
        try:
            while (taken := self._take(stall_s)) is not None:
                yield taken[0]
        finally:
            self.stop()

    def stop(self) -> bool:
        """Stop the thread and forget what waits; may be called twice and from any thread.

        Returns:
            Whether the generator is closed. It is not if it hangs in a call that cannot be
            interrupted; it is then closed when that call returns.
        """
        with self._changed:
            first_call = not self._stopping.is_set()
            self._stopping.set()
            self._store.clear()
            self._changed.notify_all()
            started, self._started = self._started, True
        if not started:
            self._items.close()
            self._finished = True
        elif first_call and self._thread is not threading.current_thread():
            self._thread.join(_JOIN_S)
        return self._finished

    def _take(self, stall_s: float | None) -> tuple[Item] | None:
        waited = 0.0
        with self._changed:
            while not self._store:
                if self._finished or self._stopping.is_set():
                    if self._error is not None:
                        error, self._error = self._error, None
                        raise error
                    return None
                if stall_s is not None and waited >= stall_s:
                    raise StalledError(f"nothing for {stall_s:g} s")
                pause = _WAIT_S if stall_s is None else min(_WAIT_S, stall_s - waited)
                if not self._changed.wait(pause):
                    waited += pause
            item = self._store.popleft()
            self._changed.notify_all()
            return (item,)

    def _put(self, item: Item) -> bool:
        with self._changed:
            while len(self._store) >= self._capacity and not self._stopping.is_set():
                if self._newest_only:
                    self._store.popleft()
                    self.dropped += 1
                else:
                    self._changed.wait()
            if self._stopping.is_set():
                return False
            self._store.append(item)
            self._changed.notify_all()
            return True

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    break
            self._items.close()
        # Every kind of error belongs to the consumer, who would otherwise wait for ever.
        except Exception as error:
            self._error = error
        finally:
            with self._changed:
                self._finished = True
                self._changed.notify_all()
