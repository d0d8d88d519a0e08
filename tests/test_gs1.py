"""GS1 identifiers: GTIN, lot, Digital Link, EPC URN."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from biip.gs1_digital_link_uris import GS1DigitalLinkURI
from epcis_event_hash_generator.dl_normaliser import normaliser
from hypothesis import given
from hypothesis import strategies as st

from contracts.epcuri import canonical_uri, check_digit
from contracts.gs1 import (
    Item,
    check_lot,
    decode_digital_link,
    decode_gtin,
    decode_item,
    decode_lot,
    encode_digital_link,
    is_restricted,
    lot_uri,
)
from ledger.errors import FormatError

if TYPE_CHECKING:
    from pathlib import Path

SET_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
lots = st.text(SET_82, min_size=1, max_size=20)
gtins = st.integers(1, 10**13 - 1).map(lambda n: f"{n:013}" + check_digit(f"{n:013}"))


@pytest.mark.parametrize(
    ("text", "gtin"),
    [
        ("96385074", "00000096385074"),
        ("614141123452", "00614141123452"),
        ("4712345678900", "04712345678900"),
        ("04712345678900", "04712345678900"),
    ],
)
def test_a_gtin_of_any_length_becomes_14_digits(text: str, gtin: str) -> None:
    """The same product under two spellings would have two histories."""
    assert decode_gtin(text) == gtin


@pytest.mark.parametrize(
    "text",
    [
        "", "0", "4712345678901", "471234567890", "047123456789000", " 4712345678900", "4712345678900\n",
        "４７１２３４５６７８９０４", "00000000000000", "-712345678904", "4712345678900" * 10_000,
    ],
)  # fmt: skip
def test_a_wrong_gtin_is_refused(text: str) -> None:
    """A mistyped GTIN, or one in full-width digits, would name another product."""
    with pytest.raises(FormatError):
        decode_gtin(text)


def test_restricted_numbers_are_told_apart() -> None:
    """A number made inside one region would pass for one that holds worldwide."""
    assert is_restricted(decode_gtin("0212345678909"[:12] + check_digit("021234567890")))
    assert not is_restricted("04712345678900")
    assert not is_restricted("10212345678906")


@given(gtins, st.none() | lots, st.none() | lots, st.none() | lots)
def test_a_link_reads_back_as_it_was_written(
    gtin: str, lot: str | None, serial: str | None, variant: str | None
) -> None:
    """A lot with a slash, percent sign or question mark in it would lead to another lot's page."""
    item = Item(gtin, lot, serial, variant)
    for base in ("https://id.gs1.org", "http://farm.example:8000/a/b"):
        assert decode_digital_link(encode_digital_link(item, base)) == item
        assert decode_digital_link(encode_digital_link(item, base, upper=True)) == item


@given(gtins, lots)
def test_biip_reads_the_same_from_our_links(gtin: str, lot: str) -> None:
    """Other software would not find the lot that we print."""
    elements = GS1DigitalLinkURI.parse(lot_uri(gtin, lot)).element_strings
    assert [(element.ai.ai, element.value) for element in elements] == [("01", gtin), ("10", lot)]


def test_parts_of_a_link_are_found() -> None:
    """Variant, lot, serial, attributes and a path prefix each have their place; a capital scheme is the same link."""
    uri = "HTTPS://FARM.EXAMPLE/x/01/4712345678900/22/B/10/L1%2FA/21/%37?linkType=all&17=261231&3103=000195#top"
    assert decode_digital_link(uri) == Item("04712345678900", "L1/A", "7", "B", {"17": "261231", "3103": "000195"})
    assert encode_digital_link(Item("04712345678900", "L1"), "https://farm.tw/x", upper=True) == (
        "HTTPS://FARM.TW/x/01/04712345678900/10/L1"
    )
    with_dates = Item("04712345678900", "L1", attributes={"17": "261231"})
    assert encode_digital_link(with_dates) == "https://id.gs1.org/01/04712345678900/10/L1?17=261231"


@pytest.mark.parametrize(
    "uri",
    [
        "", "ftp://id.gs1.org/01/04712345678900", "https:///01/04712345678900", "https://id.gs1.org/01",
        "https://id.gs1.org/01/04712345678901", "https://id.gs1.org/01/04712345678900/",
        "https://id.gs1.org/01/04712345678900/10", "https://id.gs1.org/01/04712345678900/10/",
        "https://id.gs1.org/01/04712345678900/10/" + "A" * 21, "https://id.gs1.org/01/04712345678900/10/%2",
        "https://id.gs1.org/01/04712345678900/10/%FF", "https://id.gs1.org/01/04712345678900/10/%E8%8C%B6",
        "https://id.gs1.org/01/04712345678900/10/A%00", "https://id.gs1.org/01/04712345678900/10/A%20B",
        "https://id.gs1.org/01/04712345678900/21/1/10/A", "https://id.gs1.org/01/04712345678900/10/A/10/B",
        "https://id.gs1.org/01/04712345678900/99/A", "https://id.gs1.org/01/04712345678900?17=261231&17=271231",
        "https://id.gs1.org/01/04712345678900?17=269931", "https://id.gs1.org/01/04712345678900/10/A?10=B",
        "https://id.gs1.org/01/04712345678900?01=04712345678900", "https://id.gs1.org/01/04712345678900?02=04712345678901",
        "https://id.gs1.org/01/04712345678900?00=%", "https://id.gs1.org/01/04712345678900?0005=1",
        "https://user@id.gs1.org/01/04712345678900",
        "https://id.gs1.org/01/04712345678900/10/" + "A/" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_link_of_a_product_is_refused(uri: str) -> None:
    """A link that two readers understand differently would show one of them another product."""
    with pytest.raises(FormatError):
        decode_digital_link(uri)


@pytest.mark.parametrize("base", ["", "javascript:alert(1)//", "https://a b", "https://x/?", "https://x/#"])
def test_a_base_that_makes_no_link_is_refused(base: str) -> None:
    """A wrong setting would print labels that lead nowhere."""
    with pytest.raises(FormatError):
        encode_digital_link(Item("04712345678900", "L1"), base)


@pytest.mark.parametrize("lot", ["", "A" * 21, "茶", "a b", "a\x1d", "~", "#", "$"])
def test_a_lot_outside_the_set_is_refused(lot: str) -> None:
    """A lot that no bar code can carry would be unreadable in the shop."""
    with pytest.raises(FormatError):
        check_lot(lot)


def test_a_lot_is_its_decoded_text() -> None:
    """`A%2Frecall` and `A/recall` are one lot; `A` is another."""
    assert decode_lot("A%2Frecall") == decode_lot("A/recall") == decode_lot("%41%2frecall") == "A/recall"


@pytest.mark.parametrize(
    ("urn", "item"),
    [
        ("urn:epc:id:sgtin:4712345.067890.A%2F7", Item("04712345678900", serial="A/7")),
        ("urn:epc:class:lgtin:4712345.067890.L1", Item("04712345678900", "L1")),
        ("urn:epc:class:lgtin:471234567890.0.L.1", Item("04712345678900", "L.1")),
        ("urn:epc:idpat:sgtin:4712345.067890.*", Item("04712345678900")),
    ],
)
def test_an_epc_urn_names_the_same_product(urn: str, item: Item) -> None:
    """A partner's event in URN form would not be found under the lot's link."""
    assert decode_item(urn) == item
    assert decode_item(encode_digital_link(item)) == item


@pytest.mark.parametrize(
    "urn",
    [
        "urn:epc:id:sgtin:4712345.67890.7", "urn:epc:id:sgtin:4712345.067890.", "urn:epc:id:sgtin:4712345.067890",
        "urn:epc:class:lgtin:4712345.067890.A/B", "urn:epc:class:lgtin:4712345.067890." + "A" * 21,
        "urn:epc:id:lgtin:4712345.067890.L1", "urn:epc:class:sgtin:4712345.067890.L1",
        "urn:epc:id:sscc:4012345.0111111111",
        "urn:epc:idpat:sgtin:4712345.*.*", "urn:epc:id:upui:4012345.012345.AB12", "urn:epc:id:sgtin:４712345.067890.7",
        "URN:EPC:ID:SGTIN:4712345.067890.7", "urn:epc:id:sgtin:4712345.067890.%4",
    ],
)  # fmt: skip
def test_what_is_no_urn_of_a_product_is_refused(urn: str) -> None:
    """A pallet, or a URN of wrong length, would be taken for a lot."""
    with pytest.raises(FormatError):
        decode_item(urn)


def test_every_identifier_of_the_published_events_has_the_reference_form(shared: Path) -> None:
    """Our event hash would differ from everyone else's for one of GS1's keys."""
    texts: set[str] = set()

    def collect(value: object) -> None:
        if isinstance(value, dict):
            for part in value.values():
                collect(part)
        elif isinstance(value, list):
            for part in value:
                collect(part)
        elif isinstance(value, str):
            texts.add(value)

    for path in [*(shared / "epcis").rglob("*.json"), *(shared / "epcis-hash").glob("*.jsonld")]:
        collect(json.loads(path.read_text()))
    found = {text: canonical_uri(text) for text in texts}
    assert found == {text: normaliser(text) for text in texts}
    assert sum(uri is not None for uri in found.values()) > 100


@pytest.mark.parametrize(
    ("uri", "canonical"),
    [
        ("https://shop.example/a/gtin/4712345678900/lot/L1?x=1", "https://id.gs1.org/01/04712345678900/10/L1"),
        ("https://shop.example/01/04712345678900/10/L1/21/7", "https://id.gs1.org/01/04712345678900/21/7"),
        ("https://shop.example/01/04712345678900/22/B", "https://id.gs1.org/01/04712345678900"),
        ("https://shop.example/01/04712345678900/10/a%2fb", "https://id.gs1.org/01/04712345678900/10/a%2Fb"),
        ("https://shop.example/01/04712345678900/10/%2", None),
        ("https://shop.example/01/12345", None),
        ("https://shop.example/98/04712345678900", None),
        ("https://shop.example/01/04712345678900/10/A/22/B", None),
        ("https://shop.example/414/4012345000115/254/x", "https://id.gs1.org/414/4012345000115/254/x"),
        ("urn:epc:id:itip:4012345.012345.0.02.999", None),
        ("urn:epc:idpat:itip:4012345.012345.01.02.9", None),
        ("urn:epc:id:sscc:4012345.0111111111.x", None),
        ("urn:epc:id:cpi:4012345.ABC.x", None),
        ("urn:epc:id:sgcn:4012345.99999.1234567890123", None),
        ("https://id.gs1.org/01/04712345678900/" + "x" * 3000, None),
    ],
)
def test_links_are_brought_to_the_finest_level(uri: str, canonical: str | None) -> None:
    """Two spellings of one identifier would give one event two hashes."""
    assert canonical_uri(uri) == canonical
