"""Runs, told by their records: how one is drawn up, which there are, and what two of them differ in.

account.py  what a run's record says    history.py     the runs of a store    costs.py     what one costs at a price
revision.py the commit of the code      comparison.py  two runs               agreement.py their segments

The shape of a record is tasks/records' part; doing a run, tasks/run.py's.
"""
