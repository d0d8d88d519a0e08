"""A page laid out for A4. Imported only where a PDF is asked for: WeasyPrint loads libraries of the system.

print_page(html)      bytes of a PDF
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from weasyprint import HTML
from weasyprint.urls import URLFetcher, URLFetcherResponse

from api.pages.render import STATIC_FOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping

SITE = "http://site.invalid"
"""Where a page's own files are for the printer; the name can never be looked up (RFC 2606)."""
_TYPES = {".css": "text/css", ".svg": "image/svg+xml"}


class OwnFiles(URLFetcher):  # type: ignore[misc]  # it carries no types
    """Hands out this site's files, and pictures that stand in the page or come with it; nothing else is fetched."""

    def __init__(self, pictures: Mapping[str, tuple[bytes, str]] | None = None) -> None:
        super().__init__(allowed_protocols=["data"], allow_redirects=False)
        self._pictures = pictures or {}

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> Any:
        """Return a file.

        Raises:
            ValueError: it is none of this site.
        """
        parts = urlsplit(url)
        if parts.scheme == "data":
            return super().fetch(url, headers)
        here = f"{parts.scheme}://{parts.netloc}" == SITE
        if here and parts.path in self._pictures:
            data, kind = self._pictures[parts.path]
            return URLFetcherResponse(url, data, {"Content-Type": kind})
        path = STATIC_FOLDER / parts.path.removeprefix("/static/")
        known = here and path.parent == STATIC_FOLDER and path.suffix in _TYPES
        if not known or not path.is_file():
            raise ValueError(f"not a file of this site: {url[:80]}")
        return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": _TYPES[path.suffix]})


def print_page(html: str, pictures: Mapping[str, tuple[bytes, str]]) -> bytes:
    """Return a page as PDF.

    Args:
        html: the page.
        pictures: bytes and content type of each picture by its path, beside this site's own files.
    """
    # After the page's own style, so that it wins.
    styled = html.replace("</head>", '<link rel="stylesheet" href="/static/print.css"></head>', 1)
    printed: bytes = HTML(string=styled, base_url=SITE, url_fetcher=OwnFiles(pictures)).write_pdf()
    return printed
