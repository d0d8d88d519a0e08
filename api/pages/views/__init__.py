"""What the pages show, as plain values. Who fills them has read the ledger; who renders them knows nothing of it.

    QuantitiesView(harvested_g=1_250_000, packed_g=1_200_000, shipped_g=860_000, left_g=340_000)

No value here is HTML: every text is shown as text, and a link is followed only where `api.pages.render.safe_link` lets
it pass. Times carry their offset. A module a noun; a page's view names its template.
"""

from __future__ import annotations

from typing import ClassVar, Protocol


class View(Protocol):
    """What a page shows."""

    TEMPLATE: ClassVar[str]
    """The template that shows it, under `templates/`."""
