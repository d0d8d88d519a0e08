"""Pages on paper: the same page as PDF, with a code that leads back to where its proof is.

    make_pdf(render(view, reader), "https://ledger.example/agreements/9f86…")

WeasyPrint needs Pango, which is a library of the system; a node without it serves everything else and says so here.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from api.pages import qr
from ledger.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_TYPE = "application/pdf"
_PLACE = '<main id="content">'


def make_pdf(page: str, url: str, pictures: Mapping[str, tuple[bytes, str]] | None = None) -> bytes:
    """Return a page as PDF.

    Args:
        page: the HTML, as `api.pages.render.render` makes it.
        url: what the code in its corner leads to.
        pictures: bytes and content type of the pictures on it that are not this site's own files, by path.

    Raises:
        UnavailableError: the system has no Pango.
    """
    try:
        from api.pages.paper import print_page  # noqa: PLC0415 - it loads libraries that may not be there
    except OSError as error:
        raise UnavailableError(
            "this node cannot make PDFs", expected="the system's Pango (Debian: libpango-1.0-0 libpangoft2-1.0-0)",
            got=str(error)[:80], retry_after_s=3600,
        ) from error  # fmt: skip
    code = b64encode(qr.draw_svg(url)).decode()
    figure = f'<img class="corner" src="data:image/svg+xml;base64,{code}" alt="">'
    return print_page(page.replace(_PLACE, _PLACE + figure, 1), pictures or {})
