"""Licences to works of art: who may grant what, who holds what, and what two grants share.

`scope` is the geometry of grants, `territories` and `vocabulary` the words that it is made of, `shelf` the index of
grants, `conflicts` what they share. `terms` is what a licence says, `profile` its form in ODRL, `royalties` what is due
for it. `works` and `mandates` say whose right it is and who acts for it; `granting`, `changes`, `goods` and `ownuse`
who may do what when, `accounts` what is due; `life` what a licence is on a day.
"""

from contracts.licences import accounts, changes, goods, granting, mandates, ownuse, works

KINDS = (
    *works.KINDS, *mandates.KINDS, *granting.KINDS, *changes.KINDS, *goods.KINDS, *ownuse.KINDS,
    *accounts.KINDS,
)  # fmt: skip
"""All kinds of records of licences."""

__all__ = ["KINDS"]
