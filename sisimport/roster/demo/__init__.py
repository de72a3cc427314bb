"""Sample files of the rosters, and the benchmark's job over them."""

from sisimport.roster.demo import oneroster, student_list  # noqa: F401 - they register their samples
