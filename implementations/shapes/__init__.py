"""What adapters stand on: the spellings that engines of one shape share.

Rows that an engine spells differently are overridden in its adapter; a row set to None is a capability that it does not
offer.
"""
