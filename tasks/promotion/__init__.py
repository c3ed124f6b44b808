"""Promotion: which configuration of a results store is current, and what may become so.

current.py  what is current, what was, and the way back      proposals.py  a preset, a file or a tuning, made ready

What a configuration may say is tasks/config's part; whether to promote one, tasks/reevaluation's and a person's.
"""
