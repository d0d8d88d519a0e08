"""What a teller is: somebody who knows how one kind of file of a story is lived."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from importlib.resources.abc import Traversable

    from node.demo.stage import Page, Question, Stage


MORNING, NOON = 9 * 60, 12 * 60
"""Minutes of a day."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Something that happens on a day.

    Attributes:
        day: of the demo's timeline.
        title: said while it is played.
        play: plays it.
        minute: of the day in Taipei, or soon after.
    """

    day: int
    title: str
    play: Callable[[], None]
    minute: int = MORNING


class Teller(Protocol):
    """Tells one file of a story.

    Args:
        stage: where it is played.
        story: the story's number.
        folder: the story's files.
        script: the file that it tells.
    """

    def __init__(self, stage: Stage, story: int, folder: Traversable, script: dict[str, Any]) -> None: ...

    def begin(self) -> None:
        """Let be there on the first day what the scenes need."""

    def scenes(self) -> Iterable[Scene]:
        """Return what happens on which day."""

    def end(self) -> None:
        """Do what is done today."""

    def questions(self) -> Iterable[Question]:
        """Return what the story answers, once all is under a seal."""

    def pages(self) -> Iterable[Page]:
        """Return what else is worth a look."""
