"""The order of the demo: who takes part, then every day with its scenes, then the present and its answers.

    stories = play(stage, [files("examples") / "pingtung", files("examples") / "hsinchu"])

The stories' scenes are played side by side, by their days: a season's harvest comes between two visits to a station.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from node.demo.coins import Coins
from node.demo.farms import Farms
from node.demo.licences import Licences
from node.demo.season import Season

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from importlib.resources.abc import Traversable

    from node.demo.stage import Stage
    from node.demo.teller import Teller

TELLERS: dict[str, type[Teller]] = {
    "farms.json": Farms,
    "season.json": Season,
    "coins.json": Coins,
    "licences.json": Licences,
}
"""Who tells what a story's folder holds, in the order in which they begin."""


def play(stage: Stage, folders: Sequence[Traversable]) -> list[dict[str, Any]]:
    """Play the stories and return what `/demo.json` tells of each.

    Raises:
        ProofError: a record that a story needs was refused, or a proof does not hold.
    """
    stories = [json.loads((folder / "story.json").read_text(encoding="utf-8")) for folder in folders]
    tellers: dict[int, list[Teller]] = {}
    stage.timeline.go_to(0)
    try:
        for story, folder in zip(stories, folders, strict=True):
            stage.join(story["story"], [*story["actors"], *_roll(story, folder)])
            tellers[story["story"]] = [
                teller(stage, story["story"], folder, json.loads((folder / name).read_text(encoding="utf-8")))
                for name, teller in TELLERS.items()
                if (folder / name).is_file()
            ]
        everyone = [one for number in tellers for one in tellers[number]]
        for teller in everyone:
            teller.begin()
        # What happens in the same minute stays in the order in which it is told.
        scenes = [scene for one in everyone for scene in one.scenes()]
        for scene in sorted(scenes, key=lambda one: (one.day, one.minute)):
            stage.timeline.go_to(scene.day, scene.minute)
            stage.say(f"{stage.timeline.iso(scene.day)} {scene.title}")
            scene.play()
    finally:
        stage.timeline.end()
    if stage.timeline.moves:
        stage.forget_past()
    for teller in everyone:
        teller.end()
    stage.wait_for_seal()
    for story in stories:
        stage.lend(one["who"] for one in story["told"])
    return [
        {
            **{name: story[name] for name in ("story", "title", "titles", "told")},
            **stage.counts(story["story"]),
            "answers": [stage.keep(one) for teller in tellers[story["story"]] for one in teller.questions()],
            "pages": [stage.shown(one) for teller in tellers[story["story"]] for one in teller.pages()],
        }
        for story in stories
    ]


def _roll(story: Mapping[str, Any], folder: Traversable) -> Iterator[dict[str, Any]]:
    """Yield actors of which a story has too many to tell of each: a file of lines `id,name`, and what they all are."""
    if "roll" in story:
        roll = story["roll"]
        for line in (folder / roll["file"]).read_text(encoding="utf-8").splitlines()[1:]:
            actor, name = line.split(",")
            yield {"actor": actor, "role": roll["role"], "parent": roll["parent"], "name": {"zh-TW": name}}
