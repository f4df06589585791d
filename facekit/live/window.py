"""The live window: the annotated picture on the screen, and the keys pressed in it."""

import os
import sys
from types import TracebackType
from typing import Self

import cv2

from facekit.errors import OutputError
from facekit.types import Image


class Window:
    """A window of OpenCV; a context manager."""

    def __init__(self, title: str = "facekit", *, full_screen: bool = False) -> None:
        """Open the window.

        Args:
            title: in its frame.
            full_screen: whether it fills the screen.

        Raises:
            OutputError: this machine has no display.
        """
        if not has_display():
            raise OutputError(
                "there is no display to open a window on",
                where="webcam",
                advice="Use --headless, or set DISPLAY",
            )
        # Qt, inside OpenCV's wheel, warns about fonts that facekit does not use.
        os.environ.setdefault("QT_LOGGING_RULES", "*.warning=false")
        self._title = title
        self._shown = False
        cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        if full_screen:
            self.fill_screen(True)

    def show(self, image: Image) -> str:
        """Show a (height, width, 3) uint8 RGB picture.

        Returns:
            The key pressed since the last call; empty for none; ``q`` when the window was closed.
        """
        if not self._shown:
            cv2.resizeWindow(self._title, image.shape[1], image.shape[0])
            self._shown = True
        cv2.imshow(self._title, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        key = cv2.waitKey(1)
        if cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1:
            return "q"
        return chr(key & 0xFF) if key != -1 else ""

    def fill_screen(self, filled: bool) -> None:
        """Let the window fill the screen, or not."""
        size = cv2.WINDOW_FULLSCREEN if filled else cv2.WINDOW_NORMAL
        cv2.setWindowProperty(self._title, cv2.WND_PROP_FULLSCREEN, size)

    def close(self) -> None:
        """Close the window; may be called twice."""
        if self._title:
            cv2.destroyWindow(self._title)
            self._title = ""

    def __enter__(self) -> Self:
        """The window itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()


def has_display() -> bool:
    """Whether a window can be opened on this machine."""
    if sys.platform.startswith("linux"):
        # Qt ends the whole process where it finds none: this must be known before.
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return True
