"""How values show themselves in a notebook: short words, tables, pictures of arrays.

It knows no run: `jaxad.report` draws those. `tables` needs no matplotlib.
"""
