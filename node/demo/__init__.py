"""The demo's stories, told by the people whose acts they are, through the public interfaces.

    stage = Stage(remote, "operator", key, settings.demo, say=say, timeline=timeline)
    stories = play(stage, [files("examples") / "pingtung", files("examples") / "taitung"])

A story is a folder of `examples`: `story.json` says who takes part and what they did, in words; each other file is
told by the teller that `node.demo.play` names for it. A new kind of story is a new teller, not a longer one.
"""

from node.demo.play import play
from node.demo.stage import PASSPHRASE, Stage
from node.demo.timeline import DAYS, Timeline

__all__ = ["DAYS", "PASSPHRASE", "Stage", "Timeline", "play"]
