"""Single sign-on: people in the district's directory sign in through its provider, over OpenID Connect or SAML.

configuration   which providers there are, read from the environment
openid, saml    talk to a provider and verify who the user is: both result in an Identity
admitting       whether that person is admitted, and with which roles and schools
adapter, views  connect both to allauth and to URLs
"""
