"""The web server's own part: everything between a socket and Django.

    event loop (gunicorn's ASGI worker)          a few threads
    connections, incoming bodies, pages   ->     Django, which never waits for a client
    going out: as slow as clients like

A thread works on a request only once its body has arrived, and is free again when its page is made, so a slow client costs a
socket and some disk, never a thread.
"""
