"""Rewards: coins that residents earn at stations, tickets and coupons, the till, and how merchants are cleared.

`coins` is the arithmetic of one account, `tickets` of one ticket, `coupons` of a discount; `book` and `basket` are what
an act writes; `programmes` and `offers` are the terms; `charge` is the life of a charge, `means` what it is paid with
beside coins; `accounts`, `earnings`, `commitments`, `passes` and `till` are the acts; `clearing` is what issuers owe.
`draws` and `beacon` are how scarce things are drawn, `releases` the acts; `visits` is what of a shop's day may be
published, `figures` the act.
"""

from contracts.rewards import accounts, commitments, earnings, figures, offers, passes, programmes, releases, till

KINDS = (
    *programmes.KINDS,
    *offers.KINDS,
    *accounts.KINDS,
    *earnings.KINDS,
    *commitments.KINDS,
    *passes.KINDS,
    *till.KINDS,
    *releases.KINDS,
    *figures.KINDS,
)
"""All kinds of records of rewards."""

__all__ = ["KINDS"]
