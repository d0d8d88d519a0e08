"""Images of works: pictures only, nothing of the camera's, bounded, the same for good under their hash."""

from __future__ import annotations

import hashlib
import io
import os
import random
import struct
import time
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from conftest import soak
from farms import Farms, close_farms, open_farms
from PIL import Image as Picture
from PIL import PngImagePlugin
from studio import open_logged, world_of
from webs import client_of, services_of

from api.gallery import KEPT_S, PIXELS_MAX, SIDE_MAX, UPLOAD_SIZE_MAX, Gallery
from api.signed import sign_request
from ledger.errors import FormatError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = b"Canon EOS, 22.7583 N 121.1444 E, owner: Pan"
BASE = "http://127.0.0.1:8000"


def picture(size: tuple[int, int] = (40, 30), kind: str = "PNG", mode: str = "RGB", **more: Any) -> bytes:
    """Return a picture file."""
    output = io.BytesIO()
    made = Picture.new(mode, size, (200, 30, 90, 128)[: len(mode)] if mode != "L" else 90)
    made.save(output, kind, **more)
    return output.getvalue()


def bomb(side: int) -> bytes:
    """Return a few bytes that say that they are a picture of side × side pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(10_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    """An empty gallery."""
    return Gallery(tmp_path / "images")


@pytest.mark.parametrize(
    ("kind", "mode", "kept"),
    [("PNG", "RGB", "image/png"), ("PNG", "RGBA", "image/png"), ("PNG", "L", "image/png"),
     ("JPEG", "RGB", "image/jpeg"), ("WEBP", "RGB", "image/png")],
)  # fmt: skip
def test_kept_under_its_hash(gallery: Gallery, kind: str, mode: str, kept: str) -> None:
    """A work's record names the picture by its hash: the same upload has to give the same one, and no other."""
    first = gallery.keep(picture(kind=kind, mode=mode))
    assert (first.content_type, first.width, first.height) == (kept, 40, 30)
    data, content_type = gallery.read(first.digest)
    assert hashlib.sha256(data).hexdigest() == first.digest
    assert content_type == kept
    assert gallery.keep(picture(kind=kind, mode=mode)) == first
    assert gallery.keep(picture(size=(41, 30), kind=kind, mode=mode)).digest != first.digest


def test_nothing_of_the_camera_stays(gallery: Gallery) -> None:
    """A photograph says where the artist lives; a comment may say anything."""
    exif = Picture.Exif()
    exif[0x010E] = SECRET.decode()
    exif[0x0112] = 6  # the camera was turned: the picture has to be turned, not the note about it kept
    comment = PngImagePlugin.PngInfo()
    comment.add_text("Comment", SECRET.decode())
    uploads = [
        picture(kind="JPEG", exif=exif, comment=SECRET), picture(kind="WEBP", exif=exif, xmp=SECRET),
        picture(kind="PNG", exif=exif, pnginfo=comment), picture(kind="PNG") + SECRET,
    ]  # fmt: skip
    for upload in uploads[:3]:
        assert (gallery.keep(upload).width, gallery.keep(upload).height) == (30, 40)
    for upload in uploads:
        assert SECRET in upload
        data, _ = gallery.read(gallery.keep(upload).digest)
        assert SECRET[:9] not in data
        assert not Picture.open(io.BytesIO(data)).info.keys() & {"exif", "comment", "Comment", "xmp", "icc_profile"}


def test_bounds(gallery: Gallery) -> None:
    """A file of a kilobyte that unfolds to gigabytes would stop the node; it is not even begun."""
    side = int(PIXELS_MAX**0.5) + 1
    for upload, words in (
        (bomb(side), "pixels"), (bomb(60_000), ""), (bomb(2**31 - 1), ""), (bytes(UPLOAD_SIZE_MAX + 1), "bytes"),
    ):  # fmt: skip
        with pytest.raises(FormatError) as caught:
            gallery.keep(upload)
        assert words in str(caught.value.expected)
    assert gallery.keep(picture(size=(SIDE_MAX * 2, 100))).width == SIDE_MAX


def test_what_is_no_picture(gallery: Gallery) -> None:
    """SVG holds script, GIF and TIFF are not asked for, half a file is none; none ends in an error of its own kind."""
    whole = picture(kind="JPEG", size=(64, 64))
    odd = [b"", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", picture(kind="GIF"),
           picture(kind="TIFF"), picture(kind="BMP"), b"%PDF-1.7", whole[: len(whole) // 2]]  # fmt: skip
    for upload in odd:
        with pytest.raises(FormatError):
            gallery.keep(upload)
    rng = random.Random(1)
    for _ in range(soak("broken pictures", 200, 20_000)):
        data = bytearray(picture(kind=rng.choice(["PNG", "JPEG", "WEBP"]), size=(16, 16)))
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            kept = gallery.keep(bytes(data))
        except FormatError:
            continue
        assert gallery.read(kept.digest)


# Over HTTP


@pytest.fixture
def farms(tmp_path: Path) -> Iterator[Farms]:
    """A farming world."""
    farms = open_farms(tmp_path)
    yield farms
    close_farms(farms)


def test_uploaded_by_those_with_a_key_and_read_by_all(farms: Farms) -> None:
    """Anybody's pictures would make the node a dump; an image that expires would empty every certificate."""
    client = client_of(farms)
    body = picture(kind="JPEG")
    headers = {"content-type": "image/jpeg"}
    signed = sign_request(farms.keys["farm-1"], "POST", f"{BASE}/images", body=body, headers=headers)
    assert client.post("/images", content=body, headers=headers).status_code == 401
    answer = client.post("/images", content=body, headers=signed)
    assert answer.status_code == 201
    found = client.get(answer.headers["location"])
    assert hashlib.sha256(found.content).hexdigest() == answer.json()["image"]
    assert found.headers["content-type"] == "image/jpeg"
    assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert found.headers["x-content-type-options"] == "nosniff"
    # Another body under the same signature is another request.
    assert client.post("/images", content=picture(size=(9, 9), kind="JPEG"), headers=signed).status_code == 401
    assert client.post("/images", content=b"x", headers={"content-type": "image/svg+xml"}).status_code == 415
    too_large = client.post("/images", content=bytes(UPLOAD_SIZE_MAX + 1), headers=headers)
    assert too_large.status_code == 413


@pytest.mark.parametrize("name", ["..%2Fvault.db", "3f", "A" * 64, "g" * 64, f"{'0' * 64}.png"])
def test_only_hashes_are_names(farms: Farms, name: str) -> None:
    """A path that leads out of the folder would serve the node's keys."""
    assert client_of(farms).get(f"/images/{name}").status_code == 404


def test_pictures_that_nobody_names_go(tmp_path: Path) -> None:
    """Whoever holds a key could fill the disk; what a work or a sample names stays, a fresh one for a day."""
    studio = open_logged(tmp_path)
    services = services_of(world_of(studio))
    work, sample, other, fresh = (services.gallery.keep(picture(size=(side, 9))).digest for side in (10, 11, 12, 13))
    right = {"creators": ["panay"], "copyright": {"year": 2026}}
    studio.act("panay", "work", work="W-9", title={"zh-TW": "x"}, image=work, labels=[], **right)
    studio.grant(studio.terms("L-9", work="W-9", assigners=("panay",), samples=True), "panay", "tea")
    studio.act("tea", "licence-sample", licence="L-9", sample="S-1", image=sample)
    world_of(studio).log.seal()
    services.serving.refresh()
    now = int(time.time())
    assert services.gallery.forget(now + KEPT_S - 60, services.register.names_image) == 0
    for digest in (work, sample, other):
        path = tmp_path / "images" / digest[:2] / digest
        os.utime(path, (now - KEPT_S - 60, now - KEPT_S - 60))
    assert services.gallery.forget(now, services.register.names_image) == 1
    assert [services.gallery.has(one) for one in (work, sample, other, fresh)] == [True, True, False, True]
    world_of(studio).close()


def test_missing(gallery: Gallery) -> None:
    """A picture that another node has is not here, and that is said."""
    with pytest.raises(NotFoundError):
        gallery.read("0" * 64)
    assert not gallery.has("0" * 64)
