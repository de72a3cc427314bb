"""The engine: file -> staged rows -> issues and plan (Test) -> apply (Update), or back again (Revert).

One module per stage; every stage is a handful of set-based statements, whatever the size of the file.
"""
