"""Single sign-on: people of the district's directory come in by its provider, over OpenID Connect or SAML.

configuration   which providers there are, read from the environment
openid, saml    speak with a provider and prove who came: both end in an Identity
admitting       whether that person gets in, and with which roles and schools
adapter, views  tie both to allauth and to addresses
"""
