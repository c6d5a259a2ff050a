"""The OAuth 2.0 device authorization server (RFC 8628): one file per protocol step, in RFC words, on Authlib's core."""
