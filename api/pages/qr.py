"""The code on a label: a Digital Link URI as QR picture.

    HTTPS://FENGTU.EXAMPLE/01/04712345678904/10/L1      capitals make the smaller symbol (alphanumeric mode)

Black on white with the quiet zone of four modules that ISO/IEC 18004 asks for, in dark mode too: scanners need it.
"""

from __future__ import annotations

import io

import segno

_SCALE_PNG = 12


def draw_svg(uri: str) -> bytes:
    """Return the QR code of a URI as SVG that grows with its box."""
    out = io.BytesIO()
    segno.make_qr(uri, error="m").save(
        out, kind="svg", border=4, dark="#000", light="#fff", omitsize=True, xmldecl=False, nl=False
    )
    return out.getvalue()


def draw_png(uri: str) -> bytes:
    """Return the QR code of a URI as PNG, 12 pixels a module, for printing on labels."""
    out = io.BytesIO()
    segno.make_qr(uri, error="m").save(out, kind="png", border=4, scale=_SCALE_PNG, dark="#000", light="#fff")
    return out.getvalue()
