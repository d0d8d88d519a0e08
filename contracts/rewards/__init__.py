"""Rewards: coins that residents earn at stations.

`coins` is the arithmetic of one account, `book` what an act writes, `programmes` the terms; `accounts`, `earnings`
and `commitments` are the acts.
"""

from contracts.rewards import accounts, commitments, earnings, programmes

KINDS = (*programmes.KINDS, *accounts.KINDS, *earnings.KINDS, *commitments.KINDS)
"""All kinds of records of rewards."""

__all__ = ["KINDS"]
