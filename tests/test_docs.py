"""The documents' examples are read by the code they describe."""

from __future__ import annotations

import json
import re
from pathlib import Path

from contracts.keys import lot_key
from ledger.document import decode_document
from ledger.seal import decode_seal

DOCS = Path(__file__).resolve().parents[1]


def blocks(name: str, language: str) -> list[str]:
    """Return the fenced blocks of a document."""
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / name).read_text(encoding="utf-8"), re.DOTALL)


def test_formats_examples() -> None:
    """An example that the code does not read would teach a wrong format."""
    document, seal, policy = blocks("docs/formats.md", "json")
    assert decode_document(document.encode()).hidden["memo"]
    assert decode_seal(json.loads(seal)).size == 5
    assert json.loads(policy)["format"] == "fengtu-policy/1"
    (key,) = blocks("docs/formats.md", "hex")
    assert bytes.fromhex(key.strip()) == lot_key("04712345678900", "L1")


def test_links_lead_somewhere() -> None:
    """A link to a page that is not there sends a reader nowhere."""
    for page in [DOCS / "README.md", *(DOCS / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name}: {target}"
