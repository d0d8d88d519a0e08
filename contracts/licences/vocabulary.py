"""The words of a grant beside territories and days: closed lists, so that what is not named is not licensed.

`any` stands for all words of its list. Product classes are those of the Nice Classification (1 to 34 goods, 35 to 45
services); languages are ISO 639 codes, `zxx` for what has no words; labels are Local Contexts' TK Labels.
"""

from __future__ import annotations

ANY = "any"

FIELDS = frozenset(
    {"packaging", "textiles", "stationery", "publishing", "tableware", "furnishing", "toys", "jewellery", "souvenirs",
     "advertising", "interiors", "exhibition", "education", "audiovisual", "games", "software"}
)  # fmt: skip
"""Fields of use (ODRL `industry`)."""

PRODUCTS = frozenset(str(number) for number in range(1, 46))
"""Product classes (ODRL `product`)."""

CHANNELS = frozenset(
    {"shop", "online", "event", "wholesale", "travel-retail", "catalogue", "broadcast", "given-away"}
)  # fmt: skip
"""How it reaches people (ODRL `deliveryChannel`)."""

LANGUAGES = frozenset(
    {"zh", "en", "ja", "ko", "vi", "id", "th", "fr", "de", "es", "nan", "hak", "zxx",
     "ami", "tay", "pwn", "bnn", "pyu", "dru", "tsu", "xsy", "tao", "ssf", "ckv", "trv", "szy", "sxr", "xnb"}
)  # fmt: skip
"""Languages of what is made, those of Taiwan's indigenous peoples among them (ODRL `language`)."""

MEDIA = frozenset({"paper", "fabric", "ceramic", "glass", "metal", "wood", "plastic", "leather", "screen", "wall"})
"""What the work is put on (ODRL `media`)."""

ACTIONS = frozenset({"reproduce", "distribute", "derive", "display"})
"""What may be licensed; `grantUse` beside them lets the licensee sublicense."""

LABELS = frozenset(
    {"TK A", "TK CL", "TK F", "TK MC", "TK CV", "TK CR", "TK V", "TK NV", "TK S", "TK WG", "TK MG", "TK WR", "TK MR",
     "TK CS", "TK SS", "TK OC", "TK NC", "TK CO", "TK O", "TK CB"}
)  # fmt: skip
"""TK Labels: attribution, clan, family, multiple communities, community voice, creative, verified, non-verified,
seasonal, women and men general, women and men restricted, culturally sensitive, secret or sacred, open to
commercialisation, non-commercial, community use only, outreach, open to collaboration."""

CLOSED_LABELS = frozenset({"TK SS", "TK CO"})
"""Works with these are not licensed to anybody: secret or sacred, community use only."""

NON_COMMERCIAL = "TK NC"
GIVEN_AWAY = "given-away"
"""The one channel of a work that is not for commerce."""
