"""The whole aftercare of one session as a clinician proof-reads it: `plan`.

`sheet` gathers it as pure values, `words` puts them into words, `lines` and `page` show them.
"""
