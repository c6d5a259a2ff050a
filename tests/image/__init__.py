"""The image and what goes with it: the files (in every `make test`), and real containers (`make test-image`)."""
