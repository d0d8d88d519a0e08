"""What a refusal says to people: each rule of a family that has words has them in all three languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from agreements import open_deal
from rules import refused

from api.pages.i18n import LANGUAGES, LOCALE_FOLDER, refusal_words
from api.problems import REFUSAL, concise, problem

CONTRACTS = Path(__file__).resolve().parents[1] / "contracts"
FAMILIES = "agreements|assent|coins|coupons|figures|licences|offers|programmes|releases|tickets|till"
RULES = sorted(
    {name for path in CONTRACTS.rglob("*.py") for name in re.findall(rf'"((?:{FAMILIES})\.[a-z-]+)"', path.read_text())}
)


@pytest.mark.parametrize("rule", RULES)
def test_every_refusal_has_plain_words(rule: str) -> None:
    """A farmer would read `agreements.ten-days` where a sentence should stand."""
    words = refusal_words(rule)
    assert set(words) == {language.tag for language in LANGUAGES}
    assert len(set(words.values())) == 3
    assert re.search(r"[一-鿿]", words["zh-TW"])
    assert re.search(r"[ぁ-ん]", words["ja"])
    assert re.fullmatch(r"[\x20-\x7e]+", words["en"])


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.tag)
def test_no_words_for_what_no_rule_says(language: object) -> None:
    """A rule that was renamed leaves its words behind."""
    path = LOCALE_FOLDER / language.locale / "LC_MESSAGES" / "refusals.po"  # type: ignore[attr-defined]
    names = re.findall(rf'^msgid "((?:{FAMILIES})\.[a-z-]+)"', path.read_text(), re.MULTILINE)
    assert sorted(names) == RULES


def test_words_go_out_with_the_refusal() -> None:
    """Who is refused gets the sentence with the rule, whichever way it asked."""
    deal = open_deal()
    deal.draft()
    deal.fair("farm-1")
    with refused("agreements.ten-days") as caught:
        deal.sign("farm-1", deal.offer())
    error = caught.value
    assert problem(error)["words"]["zh-TW"] == "拿到副本滿十天才能簽約。"
    assert concise(error)[REFUSAL]["words"]["en"].startswith("Ten days have to pass")
    assert refusal_words("nothing.such") == {}
