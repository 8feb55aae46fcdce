"""
Reads: skeleton -> hydrate -> gate -> present.

A read finds references, fetches what they refer to together with its gates, keeps what the one
function ``domain.audience.visible`` lets through, and goes on until its page is full. All SQL of
the product's reads stands here; each statement finds its rows by key, ``cell`` first, and none
joins across cells.
"""
