"""The REST API, version 1: what the pages do, for programs. It calls the services that pages and command line call.

middleware  -> the caller (token), request rate, body size; every error is returned as a problem (RFC 9457)
operations  -> runs, imports, students, catalogue; other apps add theirs in modules named `endpoints`
pages       -> tokens (for import admins) and the description of the API
"""
