"""What was done, said by the run's own records: in a table, in prose, in a package, and compared.

:mod:`~headrace.provenance.reading` is the only part that asks the lake; the others make something
of what it found and do no I/O.
"""
