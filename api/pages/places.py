"""How places and languages are called in the reader's language: by CLDR where it knows them, else as below.

territory_name("TW-TTT", "ja")     臺東縣
territory_name("142", "en")        Asia
language_name("ami", "zh-TW")      阿美語
"""

from __future__ import annotations

from babel import Locale

from api.pages.i18n import LANGUAGES
from contracts.licences import territories

_LOCALES = {language.tag: Locale.parse(language.locale) for language in LANGUAGES}

TONGUES: dict[str, tuple[str, str, str]] = {
    "ami": ("阿美語", "Amis", "アミ語"), "tay": ("泰雅語", "Atayal", "タイヤル語"),
    "pwn": ("排灣語", "Paiwan", "パイワン語"), "bnn": ("布農語", "Bunun", "ブヌン語"),
    "pyu": ("卑南語", "Puyuma", "プユマ語"), "dru": ("魯凱語", "Rukai", "ルカイ語"),
    "tsu": ("鄒語", "Tsou", "ツォウ語"),
    "xsy": ("賽夏語", "Saisiyat", "サイシャット語"), "tao": ("達悟語", "Tao", "タオ語"),
    "ssf": ("邵語", "Thao", "サオ語"),
    "ckv": ("噶瑪蘭語", "Kavalan", "クバラン語"), "trv": ("太魯閣語", "Truku", "タロコ語"),
    "szy": ("撒奇萊雅語", "Sakizaya", "サキザヤ語"), "sxr": ("拉阿魯哇語", "Saaroa", "サアロア語"),
    "xnb": ("卡那卡那富語", "Kanakanavu", "カナカナブ語"),
}  # fmt: skip
"""The languages of Taiwan's indigenous peoples, by ISO 639: in 繁體中文, English and Japanese."""


def territory_name(code: str, tag: str) -> str:
    """Return the name of a territory, its code where nobody has one.

    Args:
        code: as `contracts.licences.territories` has it.
        tag: the reader's language.
    """
    own = territories.name(code)
    if own is not None:
        return own["en" if tag == "en" else "zh-TW"]
    return str(_LOCALES[tag].territories.get(code, code))


def language_name(code: str, tag: str) -> str:
    """Return the name of a language, its code where nobody has one."""
    if code in TONGUES:
        return TONGUES[code][[language.tag for language in LANGUAGES].index(tag)]
    return str(_LOCALES[tag].languages.get(code, code))
