"""What Khronos needs around it where it is deployed."""
