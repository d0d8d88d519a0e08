"""Terms of a licence as an ODRL 2.2 agreement: the profile of it that this ledger takes, read and written.

    {"@context": […], "@type": "Agreement", "uid": "urn:fengtu:licence:L-1", "profile": "urn:fengtu:odrl-profile:1",
     "target": "urn:fengtu:work:W-1", "assigner": ["urn:fengtu:actor:ttart.pan"], "assignee": "urn:fengtu:actor:tea",
     "permission": [{"action": ["distribute", "reproduce"],
                     "constraint": [{"leftOperand": "spatial", "operator": "isAnyOf", "rightOperand": ["TW-TTT"]}, …],
                     "duty": [{"action": "attribute", "constraint": […]}, {"action": "compensate", …}]}],
     "prohibition": [{"action": ["derive"]}]}

`odrl-profile.json` is its JSON Schema, docs/odrl-profile.md the same in words with a whole example. What lies outside
it is refused with the operand or action named: terms that a machine would read as less than they say are worse than
none. Every dimension of a scope is said, with `any` where all is meant: what is not named is not licensed (Copyright
Act, Art. 37). An exclusive licence prohibits its own assigners from what it permits, the owner among them.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from contracts.licences.royalties import NET_SALES, PIECE, Royalty
from contracts.licences.scope import Scope, normal
from contracts.licences.terms import Terms
from contracts.licences.territories import TERRITORIES
from contracts.licences.vocabulary import ACTIONS, ANY, CHANNELS, FIELDS, LANGUAGES, MEDIA, PRODUCTS
from ledger.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

CONTEXT = ["http://www.w3.org/ns/odrl.jsonld", {"fengtu": "urn:fengtu:odrl:"}]
PROFILE = "urn:fengtu:odrl-profile:1"
WORK, LICENCE, ACTOR = "urn:fengtu:work:", "urn:fengtu:licence:", "urn:fengtu:actor:"
CURRENCY = "urn:iso:std:iso:4217:"

WORDS: Mapping[str, tuple[str, frozenset[str]]] = {
    "spatial": ("territories", TERRITORIES),
    "industry": ("fields", FIELDS | {ANY}),
    "product": ("products", PRODUCTS | {ANY}),
    "deliveryChannel": ("channels", CHANNELS | {ANY}),
    "language": ("languages", LANGUAGES | {ANY}),
    "media": ("media", MEDIA | {ANY}),
}
"""Left operands whose right operands are words: the dimension of each, and its list."""

OPERANDS: Mapping[str, frozenset[str]] = {
    "permission": frozenset({*WORDS, "dateTime", "count", "fengtu:sellOff"}),
    "prohibition": frozenset(WORDS) - {"media"} | {"dateTime"},
    "attribute": frozenset({"fengtu:text"}),
    "compensate": frozenset({"percentage", "payAmount", "unitOfCount", "event", "count", "fengtu:netSales"}),
    "inform": frozenset({"timeInterval", "delayPeriod", "fengtu:returns", "fengtu:rounding"}),
    "obtainConsent": frozenset(),
}
"""Left operands by what they constrain: a permission, a prohibition, or a duty of an action."""

RULES: Mapping[str, frozenset[str]] = {
    "permission": ACTIONS | {"grantUse"},
    "prohibition": ACTIONS | {"grantUse"},
    "duty": frozenset(OPERANDS) - {"permission", "prohibition"},
}
"""Actions by the rule in which they stand."""

SCHEMA: dict[str, Any] = json.loads(files(__package__).joinpath("odrl-profile.json").read_text(encoding="utf-8"))
"""The profile as JSON Schema."""
_VALIDATOR = jsonschema_rs.Draft202012Validator(SCHEMA, validate_formats=True)


# Reading


def decode(policy: Mapping[str, Any]) -> Terms:
    """Return the terms of an ODRL agreement.

    Raises:
        RefusedError: it lies outside the profile (`licences.operand`, `licences.action`, `licences.profile`), or it
            contradicts itself (`licences.terms`).
    """
    _check_names(policy)
    for fault in _VALIDATOR.iter_errors(policy):
        path = "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault.instance_path)
        raise RefusedError(
            "licences.profile", f"{path} lies outside the profile", expected=fault.message[:200], got=fault.kind.name
        )
    permission, *more = policy["permission"]
    said = _Constraints(permission["constraint"])
    scope = _scope(said)
    assigners = tuple(one.removeprefix(ACTOR) for one in policy["assigner"])
    prohibited, exclusive = _prohibitions(policy, permission, scope)
    parent = policy.get("fengtu:under")
    duties = _duties(permission.get("duty", ()))
    terms = Terms(
        licence=policy["uid"].removeprefix(LICENCE),
        work=policy["target"].removeprefix(WORK),
        parent=None if parent is None else parent.removeprefix(LICENCE),
        assigners=assigners,
        assignee=policy["assignee"].removeprefix(ACTOR),
        scope=scope,
        media=_words("media", said.one("media", "isAnyOf")),
        actions=tuple(sorted(permission["action"])),
        prohibited=prohibited,
        exclusive=exclusive,
        sublicensing=bool(more),
        quantity=said.maybe("count", "lteq"),
        sell_off_days=_days(said.maybe("fengtu:sellOff", "lteq")),
        attribution=_attribution(duties["attribute"]),
        samples=bool(duties["obtainConsent"]),
        royalty=_royalty(duties["compensate"], duties["inform"]),
    )
    _check_terms(terms)
    # Whatever a reader of ODRL would find in it is in the terms: nothing is passed over in silence.
    _expect(_sorted(encode(terms)) == _sorted(policy), "an agreement that says what its terms say", "more or less")
    return terms


def _check_names(policy: Mapping[str, Any]) -> None:
    """Refuse an operand or action outside the profile by its name, before anything else is said of the agreement."""
    for rule, one in _rules(policy):
        actions = one.get("action")
        for action in actions if isinstance(actions, list) else [actions]:
            if action not in RULES[rule] if isinstance(action, str) else action is not None:
                known = ", ".join(sorted(RULES[rule]))
                raise RefusedError("licences.action", f"no {rule} of this action", expected=known, got=_short(action))
        key = actions if rule == "duty" else rule
        known_operands = OPERANDS.get(key, frozenset()) if isinstance(key, str) else frozenset()
        for constraint in _objects(one.get("constraint")):
            operand = constraint.get("leftOperand")
            if not isinstance(operand, str) or operand not in known_operands:
                raise RefusedError(
                    "licences.operand",
                    f"no constraint of a {rule} on this operand",
                    expected=", ".join(sorted(known_operands)) or "none",
                    got=_short(operand),
                )


def _rules(policy: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for rule in ("permission", "prohibition"):
        for one in _objects(policy.get(rule)):
            yield rule, one
            for duty in _objects(one.get("duty")):
                yield "duty", duty


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _sorted(value: Any) -> Any:
    """Return JSON with its lists in one order: the order of rules and words says nothing."""
    if isinstance(value, list):
        return sorted((_sorted(one) for one in value), key=lambda one: json.dumps(one, sort_keys=True))
    return {name: _sorted(one) for name, one in value.items()} if isinstance(value, dict) else value


def _short(value: object) -> str:
    return str(value)[:80]


class _Constraints:
    """The constraints of one rule, each said once."""

    def __init__(self, constraints: Sequence[Mapping[str, Any]]) -> None:
        self._said: dict[tuple[str, str], Any] = {}
        self.currencies: set[str] = set()
        for one in constraints:
            key = (one["leftOperand"], one["operator"])
            _expect(key not in self._said, f"{key[0]} {key[1]} once", "twice")
            right = one["rightOperand"]
            _expect(not isinstance(right, float), f"a whole number for {key[0]}", right)
            self._said[key] = right["@value"] if isinstance(right, dict) else right
            if "unit" in one:
                self.currencies.add(one["unit"].removeprefix(CURRENCY))

    def one(self, operand: str, operator: str) -> Any:
        """Return what is said of an operand, which has to be said: what is not named is not licensed."""
        found = self._said.get((operand, operator))
        if found is None:
            raise RefusedError("licences.operand", "what is not named is not licensed", expected=operand, got="nothing")
        return found

    def maybe(self, operand: str, operator: str) -> Any | None:
        """Return what is said of an operand, None where nothing is."""
        return self._said.get((operand, operator))

    def __len__(self) -> int:
        return len(self._said)


def _scope(said: _Constraints) -> Scope:
    words = {
        dimension: _words(operand, said.one(operand, "isAnyOf"))
        for operand, (dimension, _) in WORDS.items()
        if dimension != "media"
    }
    first, last = said.one("dateTime", "gteq"), said.maybe("dateTime", "lteq")
    _expect(last is None or first <= last, "a last day after the first", f"{first} to {last}")
    return Scope(**words, first=first, last=last)


def _words(operand: str, said: Iterable[str]) -> tuple[str, ...]:
    known = WORDS[operand][1]
    words = tuple(sorted(said))
    for word in words:
        _expect(word in known, f"a word of the list of {operand}", word)
    shortest = normal(words, territories=operand == "spatial")
    _expect(words == shortest, f"{operand} without what lies in another word of it", ", ".join(words))
    return words


def _prohibitions(
    policy: Mapping[str, Any], permission: Mapping[str, Any], scope: Scope
) -> tuple[tuple[str, ...], bool]:
    """Return what the assignee may expressly not do, and whether the assigners bar themselves from what they permit."""
    prohibited: tuple[str, ...] = ()
    exclusive = False
    for one in policy.get("prohibition", ()):
        if "assignee" not in one:
            _expect("constraint" not in one and not prohibited, "one prohibition, of the whole", "more or less")
            prohibited = tuple(sorted(one["action"]))
            continue
        _expect(not exclusive and "constraint" in one, "an exclusive licence once, with its scope", "otherwise")
        _expect(one["assignee"] == policy["assigner"], "a prohibition of all assigners", ", ".join(one["assignee"]))
        barred, wanted = set(one["action"]), {*permission["action"], "grantUse"}
        _expect(barred == wanted, ", ".join(sorted(wanted)), ", ".join(sorted(barred)))
        own = _scope(_Constraints(one["constraint"]))
        _expect(own == scope, f"the permission's own scope: {scope.words()}", own.words())
        exclusive = True
    return prohibited, exclusive


def _duties(duties: Iterable[Mapping[str, Any]]) -> dict[str, list[_Constraints]]:
    found: dict[str, list[_Constraints]] = {name: [] for name in RULES["duty"]}
    for one in duties:
        found[one["action"]].append(_Constraints(_by_language(one)))
    for name in ("attribute", "inform", "obtainConsent"):
        _expect(len(found[name]) <= 1, f"the duty {name} once", len(found[name]))
    return found


def _by_language(duty: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a duty's constraints; a text stands once a language, the others once."""
    return [
        {**one, "operator": one["rightOperand"]["@language"]} if one["leftOperand"] == "fengtu:text" else dict(one)
        for one in duty.get("constraint", ())
    ]


_LANGUAGES = ("zh-TW", "en", "ja")


def _attribution(duties: Sequence[_Constraints]) -> tuple[tuple[str, str], ...]:
    if not duties:
        return ()
    found = ((language, duties[0].maybe("fengtu:text", language)) for language in _LANGUAGES)
    return tuple((language, text) for language, text in found if text is not None)


def _royalty(pay: Sequence[_Constraints], inform: Sequence[_Constraints]) -> Royalty | None:
    if not pay and not inform:
        return None
    _expect(bool(pay) and bool(inform), "pay and reports together", "one without the other")
    bands: list[tuple[int, int]] = []
    sums: dict[str, int] = {}
    units: set[str] = set()
    for one in pay:
        percentage, piece = one.maybe("percentage", "eq"), one.maybe("unitOfCount", "eq")
        if percentage is not None or piece is not None:
            operand = "fengtu:netSales" if percentage is not None else "count"
            start = one.maybe(operand, "gteq")
            _expect(len(one) == (1 if piece is None else 2) + (start is not None), "a rate and from where", "more")
            rate = _money(one.one("payAmount", "eq")) if percentage is None else _tenths(percentage)
            bands.append((0 if start is None else _money(start) if piece is None else int(start), rate))
            units.add(NET_SALES if piece is None else PIECE)
        else:
            advance = one.maybe("event", "lt") is not None
            name = "advance" if advance else "minimum"
            _expect(len(one) == 1 + advance and name not in sums, f"one {name} and nothing beside it", "another form")
            sums[name] = _money(one.one("payAmount", "eq" if advance else "gteq"))
    currencies = set().union(*(one.currencies for one in pay))
    bands.sort()
    starts = [start for start, _ in bands]
    _expect(len(units) == 1, "rates of one unit", ", ".join(sorted(units)) or "none")
    _expect(starts[0] == 0 and len(set(starts)) == len(starts), "bands from 0 up, each once", starts)
    _expect("minimum" in sums, "a minimum, 0.00 where there is none", "none")
    _expect(len(currencies) == 1, "one currency", ", ".join(sorted(currencies)))
    report = inform[0]
    return Royalty(
        currency=currencies.pop(),
        unit=units.pop(),
        bands=tuple(bands),
        minimum=sums["minimum"],
        advance=sums.get("advance", 0),
        returns_max_permille=_tenths(report.one("fengtu:returns", "lteq")),
        period_months=int(report.one("timeInterval", "eq")[1:-1]),
        report_days=_days(report.one("delayPeriod", "lteq")),
        rounding=report.one("fengtu:rounding", "eq"),
    )


def _days(duration: str | None) -> int:
    return 0 if duration is None else int(duration[1:-1])


def _money(decimal: str) -> int:
    return int(decimal.replace(".", ""))


def _tenths(percentage: str) -> int:
    return int(percentage.replace(".", ""))


def _check_terms(terms: Terms) -> None:
    _expect(terms.assignee not in terms.assigners, "an assignee who is no assigner", terms.assignee)
    _expect(terms.parent != terms.licence, "a sublicence of another licence", terms.licence)
    _expect(not {"grantUse"} & {*terms.prohibited} or not terms.sublicensing, "grantUse in one place", "both")
    both = sorted({*terms.actions} & {*terms.prohibited})
    _expect(not both, "actions that are permitted or prohibited", ", ".join(both))


def _expect(holds: object, expected: str, got: object) -> None:
    if not holds:
        raise RefusedError("licences.terms", "the terms contradict themselves", expected=expected, got=got)


# Writing


def encode(terms: Terms) -> dict[str, Any]:
    """Return terms as an ODRL agreement; `decode` gives them back."""
    scope = [*_encoded_words(terms.scope), _day("gteq", terms.scope.first)]
    if terms.scope.last is not None:
        scope.append(_day("lteq", terms.scope.last))
    use = [*scope, _constraint("media", "isAnyOf", list(terms.media))]
    if terms.quantity is not None:
        use.append(_constraint("count", "lteq", terms.quantity))
    if terms.sell_off_days:
        use.append(_constraint("fengtu:sellOff", "lteq", _typed(f"P{terms.sell_off_days}D", "duration")))
    permission: dict[str, Any] = {"action": list(terms.actions), "constraint": use}
    if duties := _encoded_duties(terms):
        permission["duty"] = duties
    assigners = [ACTOR + one for one in terms.assigners]
    prohibitions: list[dict[str, Any]] = []
    if terms.prohibited:
        prohibitions.append({"action": list(terms.prohibited)})
    if terms.exclusive:
        prohibitions.append({"assignee": assigners, "action": [*terms.actions, "grantUse"], "constraint": scope})
    return {
        "@context": CONTEXT,
        "@type": "Agreement",
        "uid": LICENCE + terms.licence,
        "profile": PROFILE,
        "target": WORK + terms.work,
        **({} if terms.parent is None else {"fengtu:under": LICENCE + terms.parent}),
        "assigner": assigners,
        "assignee": ACTOR + terms.assignee,
        "permission": [permission, *([{"action": ["grantUse"]}] if terms.sublicensing else [])],
        **({"prohibition": prohibitions} if prohibitions else {}),
    }


def _encoded_words(scope: Scope) -> list[dict[str, Any]]:
    return [
        _constraint(operand, "isAnyOf", list(getattr(scope, dimension)))
        for operand, (dimension, _) in WORDS.items()
        if dimension != "media"
    ]


def _encoded_duties(terms: Terms) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if terms.attribution:
        texts = [
            _constraint("fengtu:text", "eq", {"@value": text, "@language": language})
            for language, text in terms.attribution
        ]
        found.append({"action": "attribute", "constraint": texts})
    if terms.samples:
        found.append({"action": "obtainConsent"})
    return found if terms.royalty is None else [*found, *_encoded_royalty(terms.royalty)]


def _encoded_royalty(royalty: Royalty) -> list[dict[str, Any]]:
    unit, pay = CURRENCY + royalty.currency, []
    for start, rate in royalty.bands:
        if royalty.unit == NET_SALES:
            one = [_constraint("percentage", "eq", _decimal(rate, 1))]
            one += [{**_constraint("fengtu:netSales", "gteq", _decimal(start, 2)), "unit": unit}] if start else []
        else:
            one = [{**_constraint("payAmount", "eq", _decimal(rate, 2)), "unit": unit}]
            one += [_constraint("unitOfCount", "eq", "piece")]
            one += [_constraint("count", "gteq", start)] if start else []
        pay.append(one)
    # A minimum of nothing is said too: it names the currency where nothing else does.
    pay.append([{**_constraint("payAmount", "gteq", _decimal(royalty.minimum, 2)), "unit": unit}])
    if royalty.advance:
        advance = {**_constraint("payAmount", "eq", _decimal(royalty.advance, 2)), "unit": unit}
        pay.append([advance, _constraint("event", "lt", "policyUsage")])
    report = [
        _constraint("timeInterval", "eq", _typed(f"P{royalty.period_months}M", "duration")),
        _constraint("delayPeriod", "lteq", _typed(f"P{royalty.report_days}D", "duration")),
        _constraint("fengtu:returns", "lteq", _decimal(royalty.returns_max_permille, 1)),
        _constraint("fengtu:rounding", "eq", royalty.rounding),
    ]
    duties = [{"action": "compensate", "constraint": one} for one in pay]
    return [*duties, {"action": "inform", "constraint": report}]


def _constraint(operand: str, operator: str, right: Any) -> dict[str, Any]:
    return {"leftOperand": operand, "operator": operator, "rightOperand": right}


def _day(operator: str, day: str) -> dict[str, Any]:
    return _constraint("dateTime", operator, _typed(day, "date"))


def _typed(value: str, kind: str) -> dict[str, str]:
    return {"@value": value, "@type": f"xsd:{kind}"}


def _decimal(units: int, places: int) -> dict[str, str]:
    whole, rest = divmod(units, 10**places)
    return _typed(f"{whole}.{rest:0{places}}", "decimal")
