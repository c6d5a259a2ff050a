"""Made-up requests for a real server, by schemathesis, from documents that tell what it takes and answers."""
