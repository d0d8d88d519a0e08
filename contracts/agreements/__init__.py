"""Contract-farming agreements (契作), from offer to settlement.

`terms` says what can be agreed, `price` and `settling` what it comes to, `formation`, `season` and `closing` who may do
what when; `life` folds all of it.
"""

from contracts.agreements.kinds import PRIVATE_KINDS
from contracts.agreements.public import PUBLIC_KINDS

KINDS = (*PRIVATE_KINDS, *PUBLIC_KINDS)
"""All kinds of records of agreements."""

__all__ = ["KINDS"]
