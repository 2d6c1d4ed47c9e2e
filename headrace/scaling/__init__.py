"""Scaling of a stage: its times at some numbers of workers, the laws that fit, what they foretell.

::

    measured ──▶ laws, intervals ──▶ identified ──▶ forecast ──▶ draw
    (runs)       (fits)              (or what       (time, cost,
                                     is needed)     where to stop)
"""
