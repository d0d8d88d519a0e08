"""Rewards: coins that residents earn at stations and spend at tills, and how merchants are cleared.

`coins` is the arithmetic of one account, `book` what an act writes, `programmes` the terms,
`charge` the life of a charge; `accounts`, `earnings`, `commitments` and `till` are the acts,
`clearing` what issuers owe.
"""

from contracts.rewards import accounts, commitments, earnings, programmes, till

KINDS = (*programmes.KINDS, *accounts.KINDS, *earnings.KINDS, *commitments.KINDS, *till.KINDS)
"""All kinds of records of rewards."""

__all__ = ["KINDS"]
