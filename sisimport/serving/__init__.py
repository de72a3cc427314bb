"""The web server's own part: everything between a socket and Django.

    event loop (gunicorn's ASGI worker)          a few threads
    connections, bodies coming in, pages  ->     Django, which never waits for a client
    going out: as slow as clients like

A thread works on a request only when its body is here, and is free again when its page is made, so slow clients cost a socket
and some disk, never a thread.
"""
