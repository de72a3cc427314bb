"""Adding a year: comparing the header of a new file with the layout of another year, the questions to answer, and the
new layout.

file -> header and facts of its columns -> comparing.compare -> proposing.Proposal (questions, layout text) -> services.add
"""
