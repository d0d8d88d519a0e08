"""Visit figures of a day: published once, as closed cells that were fixed beforehand. Public.

    visit-figures  {"programme": "hualien-tour", "day": "2026-11-23",
                    "figures": {"noodles": {"day": 41, "early": 26, "late": 15}}}

They are let in only where they are what the private facts count, all of it and nothing else (`contracts.rewards.visits`
says what may be shown). No record counts visits in any other way, so no second cut can be held against the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.calendar import day_end_ms
from contracts.kind import ACTOR_ID, Act, Kind, body
from contracts.rewards.keys import figures_key, programme_key, visits_key
from contracts.rewards.programmes import DAY, PROGRAMME_ID, programme_of, table
from contracts.rewards.visits import CELLS, PEOPLE_MIN, published

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ledger.facts import Change


def _publish(act: Act) -> list[Change]:
    content = act.body
    programme, day, figures = content["programme"], content["day"], content["figures"]
    terms = programme_of(act, programme)
    act.expect(
        act.actor == terms["owner"],
        "figures.owner",
        "who runs the programme publishes its figures",
        expected=terms["owner"],
        got=act.actor,
    )
    act.expect(
        act.at.time_ms >= day_end_ms(day), "figures.open", "the day is not over yet", expected="a past day", got=day
    )
    key = figures_key(programme, day)
    act.expect(act.facts.get(key) is None, "figures.known", "the figures of a day are published once", got=day)
    if act.facts.sees_private:
        _expect_counted(act, terms, figures)
    return [act.change(key, {"programme": programme, "day": day, "figures": figures, "record": act.at.index})]


def _expect_counted(act: Act, terms: Mapping[str, Any], figures: Mapping[str, Any]) -> None:
    # What would be right is not said: a refusal must not be a way to ask for what is withheld.
    programme, day = act.body["programme"], act.body["day"]
    keys = {merchant: visits_key(programme, merchant, day) for merchant in {*terms["merchants"], *figures}}
    act.facts.expect(keys.values())
    counted = {merchant: published(act.facts.get(key) or {}) for merchant, key in keys.items()}
    act.expect(
        figures == {merchant: shown for merchant, shown in counted.items() if shown},
        "figures.counts",
        "these are not the figures of the day",
        expected="what was counted, as far as it may be shown",
    )


def _reads(content: Mapping[str, Any]) -> Iterable[bytes]:
    yield programme_key(content["programme"])
    yield figures_key(content["programme"], content["day"])
    for merchant in content["figures"]:
        yield visits_key(content["programme"], merchant, content["day"])


def _subject(content: Mapping[str, Any]) -> str:
    return f"figures/{content['programme']}/{content['day']}"


_PEOPLE = {"type": "integer", "minimum": PEOPLE_MIN, "maximum": 10**7}

KINDS = (
    Kind(
        "visit-figures",
        body(
            {
                "programme": PROGRAMME_ID,
                "day": DAY,
                "figures": table(ACTOR_ID, body({"day": _PEOPLE}, dict.fromkeys(CELLS[1:], _PEOPLE))),
            }
        ),
        _subject,
        _publish,
        _reads,
    ),
)
