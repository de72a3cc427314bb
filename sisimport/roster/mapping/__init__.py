"""Column mappings: which columns of another system's student export the roster's fields are read from.

a file of a person -> looking.Look -> suggesting.suggest -> content.Content, confirmed on a page -> services.save
content -> layouts.layout_of: a layout like any other, so recognizing, reading and reporting are done by the engine
"""
