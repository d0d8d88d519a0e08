"""The kinds of records that this node takes: what a client signs, as JSON Schema, with the example of docs/rules.md.

GET /kinds                      every kind with who reads it and what may only be hidden
GET /kinds/agreement-delivery   one kind with the schema and an example of its documents' body
GET /odrl-profile               the JSON Schema of licences as ODRL agreements; docs/odrl-profile.md says it in words
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from contracts.kind import nobody
from contracts.licences.profile import SCHEMA
from contracts.rulebook import KINDS, kind_of

if TYPE_CHECKING:
    from contracts.kind import Kind

router = APIRouter(tags=["SCRAPI"])

_EXAMPLE = re.compile(r"^([a-z-]+) +(\{.*\})$", re.MULTILINE)


@router.get("/kinds")
def kinds() -> JSONResponse:
    """Return every kind of record, without its schema."""
    return JSONResponse({"kinds": [_members(KINDS[name]) for name in sorted(KINDS)]})


@router.get("/kinds/{kind}")
def kind(kind: str) -> JSONResponse:
    """Return one kind of record with the JSON Schema of its documents' body."""
    found = kind_of(kind[:64])
    return JSONResponse({**_members(found), "schema": dict(found.schema), "example": examples()[found.name]})


@cache
def examples() -> dict[str, Any]:
    """Return each kind's first example of a body on the page of the rules; the tests let the rules take each."""
    return dict(reversed(all_examples()))


def all_examples() -> list[tuple[str, Any]]:
    """Return all examples of kinds and bodies on the page of the rules."""
    written = (files("docs") / "rules.md").read_text(encoding="utf-8")
    return [(kind, json.loads(body)) for kind, body in _EXAMPLE.findall(written)]


@router.get("/odrl-profile")
def odrl_profile() -> JSONResponse:
    """Return the profile of ODRL 2.2 agreements that licences are written in, as JSON Schema."""
    return JSONResponse(SCHEMA, media_type="application/schema+json")


def _members(found: Kind) -> dict[str, Any]:
    return {
        "kind": found.name,
        "private": found.private,
        "several_sign": found.parties is not nobody,
        "hidden": sorted(found.hidden),
    }
