"""The advisory locks of PostgreSQL that the stand-in holds: it knows them by numbers alone, so they stand in one place.

Each is one database's own. It takes none of them.
"""

START = 0x746D7301  # until the commit: of many processes that start at once one migrates and seeds
PRESENCE = 0x746D7302  # shared, as long as a process lives: who gets it alone is the first
REPLACEMENT = 0x746D7303  # while rows are replaced: one reset, restored snapshot or import at a time
MOVING = 0x746D7304  # while an import carries: one staging place, one that fills it
TURN = 0x746D7305  # until the commit, with a table's name: who takes the largest id plus one
