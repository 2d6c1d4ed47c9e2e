"""The roofline of a machine, and where a study's stages stand under it.

::

    probe ──▶ roofs ──────────┐
    (a job, or here)          ├──▶ placed ──▶ draw
    runs and their facts ─────┘

Williams, Waterman and Patterson, Roofline, CACM 52 (2009) 65: what a program reaches is at most
the peak, and at most its FLOP a byte times the bandwidth of the memory that it lives in.
"""
