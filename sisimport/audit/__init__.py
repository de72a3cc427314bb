"""The record of access: who looked at whom, who signed in, whose role was changed. Only ever added to, and sealed.

looking     the students a request has shown so far, gathered while their rows are read
writing     one entry for a request, a sign-in or a change of a role
sealing     links entries into chains, one per day and LEA; a completed day gets a seal of its own
verifying   finds entries that were changed, removed or moved since
purging     the only way in which entries are removed
"""
