"""The tools that come with Khronos, one a file: whatever `Tool` a module here holds can be granted."""
