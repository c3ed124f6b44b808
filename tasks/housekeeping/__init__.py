"""Housekeeping of a results store: what may go, what is merged, and whether the store holds what the records say.

Looks first, changes nothing unless asked to, and never touches media, labels, configurations, evaluations, tunings or
what is cached of inference. record.py is the way in; plan.py says in which order things are done.
"""

from tasks.housekeeping.inventory import Limits as Limits
from tasks.housekeeping.record import HousekeepingRecord as HousekeepingRecord
from tasks.housekeeping.record import keep_house as keep_house
from tasks.housekeeping.record import markdown_housekeeping as markdown_housekeeping
