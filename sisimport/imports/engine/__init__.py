"""The engine: file -> staged rows -> issues and plan (Test) -> apply (Update), or undo (Revert).

One module per stage; every stage is a handful of set-based statements, regardless of the size of the file.
"""
