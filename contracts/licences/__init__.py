"""Licences to works of art: who may grant what, who holds what, and what two grants share.

`scope` is the geometry of grants, `territories` and `vocabulary` the words that it is made of; `terms` is what a
licence says, `profile` its form in ODRL, `royalties` what is due for it.
"""
