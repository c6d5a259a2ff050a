"""The Tapis authenticator's dialect (contract tapis.md) over the users, clients, flows and tokens of oauth/."""
