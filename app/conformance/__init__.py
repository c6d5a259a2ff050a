"""What the real servers answered (`goldens/`), and the tool that recorded and compares it, byte for byte as it was."""
