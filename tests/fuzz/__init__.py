"""`make fuzz`: made-up input for every reader of foreign bytes, and made-up requests for real servers (docs/fuzz.md)."""
