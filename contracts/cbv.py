"""The word lists of the Core Business Vocabulary (CBV 2.0) and the three ways in which a standard word is written.

    shipping                                   bare, as EPCIS JSON has it
    https://ref.gs1.org/cbv/BizStep-shipping   web vocabulary, as the event hash has it (`cbv:BizStep-shipping`)
    urn:epcglobal:cbv:bizstep:shipping         URN of CBV 1.x

The lists stand once, as enumerations in `epcis-schema.json`; this module reads them from there.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, Final

from ledger.errors import FormatError

SCHEMA: Final[dict[str, Any]] = json.loads(resources.files("contracts").joinpath("epcis-schema.json").read_bytes())
"""The JSON Schema (2020-12) of what `contracts.epcis` takes."""

NAMESPACES: Final = {
    "epcis": "https://ref.gs1.org/epcis/",
    "cbv": "https://ref.gs1.org/cbv/",
    "cbvmda": "urn:epcglobal:cbv:mda:",
    "gs1": "https://gs1.org/voc/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dcterms": "http://purl.org/dc/terms/",
}
"""Prefixes that every EPCIS 2.0 context defines."""

# Vocabulary (its name in the schema) → the web vocabulary's prefix and the old URN's, each before the word.
_PREFIXES: Final = {
    "bizStep": ("https://ref.gs1.org/cbv/BizStep-", "urn:epcglobal:cbv:bizstep:"),
    "disposition": ("https://ref.gs1.org/cbv/Disp-", "urn:epcglobal:cbv:disp:"),
    "bizTransactionType": ("https://ref.gs1.org/cbv/BTT-", "urn:epcglobal:cbv:btt:"),
    "sourceDestinationType": ("https://ref.gs1.org/cbv/SDT-", "urn:epcglobal:cbv:sdt:"),
    "errorReason": ("https://ref.gs1.org/cbv/ER-", "urn:epcglobal:cbv:er:"),
    "component": ("https://ref.gs1.org/cbv/Comp-", None),
    "measurementType": ("https://gs1.org/voc/", None),
    "sensorException": ("https://gs1.org/voc/", None),
}


def _words(vocabulary: str) -> frozenset[str]:
    return frozenset(SCHEMA["$defs"][vocabulary]["anyOf"][0]["enum"])


WORDS: Final = {vocabulary: _words(vocabulary) for vocabulary in _PREFIXES}
"""Vocabulary → its standard words."""
BIZ_STEPS: Final = WORDS["bizStep"]
DISPOSITIONS: Final = WORDS["disposition"]


def web_uri(vocabulary: str, value: str) -> str:
    """Return the web vocabulary's URI for a bare standard word; anything else as it came."""
    return _PREFIXES[vocabulary][0] + value if value in WORDS[vocabulary] else value


def modern_uri(value: str) -> str:
    """Return the web vocabulary's URI for a URN of CBV 1.x; anything else as it came."""
    for web, urn in _PREFIXES.values():
        if urn is not None and value.startswith(urn):
            return web + value[len(urn) :]
    return value


def standard_word(vocabulary: str, value: str) -> str | None:
    """Return the bare standard word that `value` writes in any of the three ways, or None for a URI of one's own.

    Raises:
        FormatError: it claims to be of the standard, but the standard has no such word.
    """
    if value in WORDS[vocabulary]:
        return value
    prefix, _, local = value.partition(":")
    written = modern_uri(NAMESPACES[prefix] + local if prefix in {"cbv", "gs1"} else value)
    web = _PREFIXES[vocabulary][0]
    if not written.startswith(web):
        return None
    word = written.removeprefix(web)
    if word not in WORDS[vocabulary]:
        raise FormatError(vocabulary, expected="a word of CBV 2.0", got=repr(value[:80]))
    return word
