r"""Images of works, by the SHA-256 of their bytes: decoded and encoded anew, so that what is kept is a picture only.

    gallery = Gallery(data / "images")
    kept = gallery.keep(upload)        Image("3f0c…", "image/png", 1200, 800)
    gallery.read("3f0c…")              (b"\x89PNG…", "image/png")

    images/3f/3f0c…                    the file; its first bytes say which kind it is

A file is written once under its hash and never changes, so it may be cached for good, and a work's record that names
the hash names this very picture. Cameras write place, time and owner into their files; encoding anew leaves all of it
behind, with whatever else was hidden there. The camera's turn is applied first. Colours are taken as sRGB.

A picture that no record names after a day is deleted: whoever holds a key could fill the disk with others.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import threading
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image as Picture
from PIL import ImageOps

from ledger.errors import FormatError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

UPLOAD_SIZE_MAX = 8 * 2**20
"""Bytes of an upload."""
PIXELS_MAX = 24_000_000
"""Pixels of an upload: a small file may say that it is a very large picture."""
SIDE_MAX = 2_400
"""Pixels of the longer side of what is kept; a larger picture is scaled down."""
KINDS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
"""What is taken, by Pillow's names."""
_MAGIC = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg"}
JPEG_QUALITY = 90
KEPT_S = 86_400
"""How long a picture waits for the record that names it."""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that is kept.

    Attributes:
        digest: the SHA-256 of its bytes, hex.
        content_type: `image/png` or `image/jpeg`.
        width, height: in pixels.
    """

    digest: str
    content_type: str
    width: int
    height: int


class Gallery:
    """The pictures in one folder. Safe to share between threads and processes.

    Args:
        folder: made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # One picture is decoded at a time: each may take a hundred megabytes while it is.
        self._lock = threading.Lock()

    def keep(self, upload: bytes) -> Image:
        """Keep a picture; the same upload gives the same answer again.

        Args:
            upload: a PNG, JPEG or WebP file.

        Raises:
            FormatError: it is none, or too large.
        """
        if len(upload) > UPLOAD_SIZE_MAX:
            raise FormatError("the picture", expected=f"at most {UPLOAD_SIZE_MAX} bytes", got=len(upload))
        with self._lock:
            data, size = _encoded_anew(upload)
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        if path.exists():
            # It waits another day for the record that names it.
            path.touch()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{digest}.{secrets.token_hex(4)}.part")
            temporary.write_bytes(data)
            os.replace(temporary, path)  # noqa: PTH105 - both are names here
        return Image(digest, _content_type(data), *size)

    def read(self, digest: str) -> tuple[bytes, str]:
        """Return a picture's bytes and its content type.

        Args:
            digest: 64 hex digits; whoever calls has checked it.

        Raises:
            NotFoundError: it is not here.
        """
        try:
            data = self._path(digest).read_bytes()
        except FileNotFoundError as error:
            raise NotFoundError("the picture", expected="one that was uploaded here", got=digest) from error
        return data, _content_type(data)

    def has(self, digest: str) -> bool:
        """Say whether a picture is here."""
        return self._path(digest).exists()

    def forget(self, now_s: int, named: Callable[[str], bool]) -> int:
        """Delete pictures older than a day that no record names; return how many they were.

        Args:
            now_s: Unix seconds.
            named: whether a record names a picture, by its hash.
        """
        count = 0
        for path in self._folder.glob("[0-9a-f][0-9a-f]/*"):
            if path.stat().st_mtime <= now_s - KEPT_S and not named(path.name):
                path.unlink(missing_ok=True)
                count += 1
        return count

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest


def _encoded_anew(upload: bytes) -> tuple[bytes, tuple[int, int]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # Only the header is read here: what is too large is never decoded.
            opened = Picture.open(io.BytesIO(upload), formats=tuple(KINDS))
            _check_size(opened.width, opened.height)
            picture = ImageOps.exif_transpose(opened)
            clear = picture.mode in {"LA", "PA", "RGBA"} or "transparency" in picture.info
            flat = picture.convert("RGBA" if clear else "RGB")
            flat.thumbnail((SIDE_MAX, SIDE_MAX))
            # Nothing of `info` goes along: what is saved is made from the pixels alone.
            plain = Picture.frombytes(flat.mode, flat.size, flat.tobytes())
            output = io.BytesIO()
            if opened.format == "JPEG":
                plain.save(output, "JPEG", quality=JPEG_QUALITY)
            else:
                plain.save(output, "PNG")
    except FormatError:
        raise
    except Exception as error:
        # Pillow's readers raise errors of any type on files that are made to break them.
        kinds = ", ".join(sorted(KINDS))
        raise FormatError("the picture", expected=f"a whole file of {kinds}", got=type(error).__name__) from error
    return output.getvalue(), plain.size


def _check_size(width: int, height: int) -> None:
    if width * height > PIXELS_MAX:
        raise FormatError("the picture", expected=f"at most {PIXELS_MAX} pixels", got=f"{width} × {height}")


def _content_type(data: bytes) -> str:
    return next(kind for magic, kind in _MAGIC.items() if data.startswith(magic))
