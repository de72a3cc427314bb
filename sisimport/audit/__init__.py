"""The record of access: who looked at whom, who signed in, whose role was changed. Only ever added to, and sealed.

looking     what a request has shown so far, gathered while its rows are read
writing     one entry for a request, a sign-in, a change of a role
sealing     entries into chains, one per day and LEA; a day that is over gets a seal of its own
verifying   finds what was changed, removed or put elsewhere since
purging     the one way in which entries go
"""
