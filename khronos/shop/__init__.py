"""The example shop, for the assistant's tools to play with: labelled, and gone by one command."""
