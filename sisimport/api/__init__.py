"""The REST API, version 1: what the pages do, for programs. It calls the services that pages and command line call.

middleware  -> who asks (token), how often, how large a body; every error leaves as a problem (RFC 9457)
operations  -> runs, imports, students, catalogue; other apps add theirs in modules named `endpoints`
pages       -> tokens (for import admins) and the description of the API
"""
