"""A licence's life, folded from the acts on it: what it allows on a day, as it was known on a day.

    life = known_on(acts, "2026-06-01")           as known at the end of that day
    standing(life, "2026-03-15")                  Standing(state="active", last="2026-12-31", sale_last="2027-03-31")

    life     {"first": "2026-03-01", "last": "2026-12-31", "sell_off_days": 90, "filing": false, "filed": null,
              "suspended": [["2026-05-02", "2026-05-20"]], "ended": null}
    act      {"kind": "licence", "time_ms": …, "first": …, "last": …, "sell_off_days": 90, "filing": false}
             {"kind": "licence-filing", "time_ms": …, "number": "…"}
             {"kind": "licence-suspension", "time_ms": …, "from": "2026-05-02"}, {"kind": "licence-resumption", …}
             {"kind": "licence-revocation", "time_ms": …, "last": "2026-06-30", "sell_off_days": 90, "reason": "agreed"}

The rules keep the life in the licence's state and fold each act into it; the verdict folds the proved acts again. What
an act changes lies after the day on which it was recorded, so what was known of a day at its end stays true of it.
Days are those of Taipei, both ends included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.calendar import day_of
from contracts.licences.scope import days_after, earlier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Life = dict[str, Any]

STATES = ("active", "selling-off", "suspended", "early", "unfiled", "ended", "revoked", "unknown")
"""What a licence can be on a day, from what allows most to what allows nothing."""

FOR_MAKING = frozenset({"active"})
FOR_SELLING = frozenset({"active", "selling-off"})
KINDS_OF_LIFE = frozenset(
    {"licence", "licence-filing", "licence-suspension", "licence-resumption", "licence-revocation"}
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a licence is on a day.

    Attributes:
        state: one of `STATES`.
        last: the last day of its term, None where it has no end.
        sale_last: the last day on which goods that were made before may be sold, None where there is none.
    """

    state: str
    last: str | None
    sale_last: str | None


def fold(life: Life | None, act: Mapping[str, Any]) -> Life:
    """Return a licence's life after an act; the rules see to it that the act fits."""
    kind = act["kind"]
    if life is None:
        return {
            **{name: act[name] for name in ("first", "last", "sell_off_days", "filing")},
            "filed": None, "suspended": [], "ended": None,
        }  # fmt: skip
    if kind == "licence-filing":
        return {**life, "filed": day_of(act["time_ms"])}
    if kind == "licence-suspension":
        return {**life, "suspended": [*life["suspended"], [act["from"], None]]}
    if kind == "licence-resumption":
        first, _ = life["suspended"][-1]
        until = days_after(act["from"], -1)
        return {**life, "suspended": [*life["suspended"][:-1], *([[first, until]] if first <= str(until) else [])]}
    return {**life, "ended": {name: act[name] for name in ("last", "sell_off_days", "reason")}}


def known_on(acts: Iterable[Mapping[str, Any]], day: str) -> Life | None:
    """Return a licence's life as it was known at the end of a day; None where there was no licence yet."""
    life = None
    for act in acts:
        if day_of(act["time_ms"]) > day:
            break
        life = fold(life, act)
    return life


def standing(life: Life | None, day: str) -> Standing:
    """Return what a licence is on a day."""
    if life is None:
        return Standing("unknown", None, None)
    ended = life["ended"]
    last = life["last"] if ended is None else earlier(life["last"], ended["last"])
    # What ended before it began has nothing to sell off.
    selling_days = 0 if last is not None and last < life["first"] else (ended or life)["sell_off_days"]
    sale_last = days_after(last, selling_days)
    if sale_last is not None and day > sale_last:
        state = "ended" if ended is None else "revoked"
    elif life["filing"] and (life["filed"] is None or day < life["filed"]):
        state = "unfiled"
    elif day < life["first"]:
        state = "early"
    elif any(first <= day and (until is None or day <= until) for first, until in life["suspended"]):
        state = "suspended"
    else:
        state = "active" if last is None or day <= last else "selling-off"
    return Standing(state, last, sale_last)


def weakest(standings: Sequence[Standing]) -> Standing:
    """Return what a licence is, from its own standing and those of the licences that it is under.

    It allows what the one that allows least allows; it ends with the one that ends first.
    """
    return Standing(
        max((one.state for one in standings), key=STATES.index),
        _first([one.last for one in standings]),
        _first([one.sale_last for one in standings]),
    )


def _first(days: Iterable[str | None]) -> str | None:
    return min((day for day in days if day is not None), default=None)
