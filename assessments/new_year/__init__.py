"""Adding a year: the header of a new file against the layout of another year, what has to be answered, and the layout made of it.

file -> header and facts of its columns -> comparing.compare -> proposing.Proposal (questions, layout text) -> services.add
"""
