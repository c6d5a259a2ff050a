"""The page at /_standin/ for people (design 2.7): a client of the control plane's own calls, which it adds little to."""
