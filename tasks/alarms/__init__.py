"""Alarms: when a finished run should be looked at, decided from records alone.

kinds.py    their names            shares.py  emotions and languages in other shares than usual
raising.py  all alarms of a run, the runs that it is compared with, and the silence where no run ends at all

How chance moves shares is arithmetic (tasks/numerics/share_bands.py); who is told of an alarm, flows/alarms.py's part.
"""
