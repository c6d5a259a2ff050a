"""The journal (design 2.7): a ring of requests and their answers, off by default, without any secret in it."""
